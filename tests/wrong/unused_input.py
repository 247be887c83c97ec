import symseq as ss
import symseq.tensor as T

x = T.vector("x")
mask = T.vector("mask")
cost = x.sum()
f = ss.function([x, mask], cost)  # wrong
