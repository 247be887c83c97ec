import numpy as np

import symseq as ss
import symseq.tensor as T

B, D = ss.dims("B", D=50)
x = T.tensor("float32", (B, D), name="x")
W = ss.shared(np.zeros((64, 128), "float32"), "W")
h = T.dot(x, W)  # wrong
