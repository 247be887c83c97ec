import numpy as np

import symseq as ss
import symseq.tensor as T

x = T.vector("x")
n = T.iscalar("n")
ys, _ = ss.scan(lambda x_t: 2 * x_t, x, n_steps=n)  # wrong
f = ss.function([x, n], ys)
f(np.zeros(3, "float32"), 5)
