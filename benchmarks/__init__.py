"""The same work on symseq's targets and on peers: ``python -m benchmarks``."""
