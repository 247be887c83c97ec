import numpy as np

import symseq as ss
import symseq.tensor as T

x = T.vector("x")
W = ss.shared(np.float32(2), "W")
ys, _ = ss.scan(lambda x_t: W * x_t, x, strict=True)  # wrong
