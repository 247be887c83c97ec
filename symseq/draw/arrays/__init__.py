"""The arrays of a graph as learners draw them: boxes with named sides, step by step."""
