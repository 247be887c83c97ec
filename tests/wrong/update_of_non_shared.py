import symseq as ss
import symseq.tensor as T

x = T.scalar("x")
f = ss.function([x], x, updates=[(x, x + 1)])  # wrong
