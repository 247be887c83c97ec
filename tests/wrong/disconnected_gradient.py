import numpy as np

import symseq as ss
import symseq.tensor as T

x = T.vector("x")
W = ss.shared(np.zeros(3, "float32"), "W")
hit = T.argmax(x * W)
cost = (x * hit).sum()
g = ss.grad(cost, W)  # wrong
