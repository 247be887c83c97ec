"""From graphs to plans: gradients, rewrites, lowering, memory, emission, `function`."""

if __name__ != "symseq.compiler":
    raise ImportError(
        f"this folder is the package symseq.compiler; it was imported as {__name__!r}. "
        "Write `import symseq.compiler`, and keep the project's root off sys.path."
    )
