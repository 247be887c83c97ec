import numpy as np

import symseq as ss

W = ss.shared(np.zeros((3, 4), "float32"), "W")
flat = W.reshape((5, 2))  # wrong
