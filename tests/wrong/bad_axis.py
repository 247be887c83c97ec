import symseq.tensor as T

x = T.matrix("x")
total = x.sum(axis=2)  # wrong
