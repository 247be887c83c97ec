import symseq as ss
import symseq.tensor as T

x = T.dvector("x")
h0 = T.fscalar("h0")
states, _ = ss.scan(lambda x_t, h: h + x_t, x, h0)  # wrong
