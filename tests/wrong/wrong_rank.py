import symseq.tensor as T

x = T.matrix("x")
first = x[0, 0, 0]  # wrong
