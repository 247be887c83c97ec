import symseq.tensor as T

table = T.matrix("table")
ids = T.fvector("ids")
rows = table[ids]  # wrong
