import numpy as np

import symseq as ss
import symseq.tensor as T

x = T.matrix("x")
f = ss.function([x], x.sum())
f(np.zeros(3, "float32"))  # wrong
