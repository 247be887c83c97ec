import symseq as ss
import symseq.tensor as T

x = T.vector("x")
h0 = T.vector("h0")


def step(x_t, h):
    return T.outer(h, h) * x_t  # wrong


states, _ = ss.scan(step, x, h0)
