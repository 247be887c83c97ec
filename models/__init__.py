"""Layers, cells, models, losses, optimizers, training and data, over symseq."""

if __name__ != "symseq.models":
    raise ImportError(
        f"this folder is the package symseq.models; it was imported as {__name__!r}. "
        "Write `import symseq.models`, and keep the project's root off sys.path."
    )
