import symseq as ss
import symseq.tensor as T

Time, Batch = ss.dims("Time Batch")
scores = T.matrix("scores", shape=(Time, Batch))
mask = T.matrix("mask", shape=(Batch, Time))
masked = scores + mask  # wrong
