import symseq as ss
import symseq.tensor as T

x = T.vector("x")
y = T.vector("y")
cost = (x * y).sum()
f = ss.function([x], cost)  # wrong
