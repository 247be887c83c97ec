import symseq as ss
import symseq.tensor as T

x = T.vector("x")
f = ss.function([x], x.sum(), target="cupy")  # wrong
