"""Puts on the path what the folders below share: the papers' loops, their check."""
