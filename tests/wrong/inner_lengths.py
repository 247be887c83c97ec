import numpy as np

import symseq as ss
import symseq.tensor as T

B, D = ss.dims("B", D=50)
x = T.matrix("x", shape=(B, D))
W = ss.shared(np.zeros((64, 128), "float32"), "W")
h = T.dot(x, W)  # wrong
