import symseq as ss
import symseq.tensor as T

Time, Batch = ss.dims("Time Batch")
scores = T.tensor("float32", (Time, Batch), name="scores")
mask = T.tensor("float32", (Batch, Time), name="mask")
masked = scores + mask  # wrong
