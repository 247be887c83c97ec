"""The command line ``symseq``: draw, explore, summarize, train and time models."""
