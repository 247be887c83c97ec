import numpy as np

import symseq as ss

W = ss.shared(np.float32(1), "W")
f = ss.function([], W, updates=[(W, W + 1), (W, W * 2)])  # wrong
