import numpy as np

import symseq as ss
import symseq.tensor as T

ids = T.ivector("ids")
f = ss.function([ids], ids.sum())
f(np.array([0.5, 1.5]))  # wrong
