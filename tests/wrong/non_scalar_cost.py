import symseq as ss
import symseq.tensor as T

x = T.matrix("x")
loss = (x**2).mean(axis=1)
g = ss.grad(loss, x)  # wrong
