from pathlib import Path

import numpy as np

from symseq.models import checkpoints

checkpoints.write("model.safetensors", {"W": np.zeros((3, 4), "float32")})
data = bytearray(Path("model.safetensors").read_bytes())
data[-1] ^= 1
Path("model.safetensors").write_bytes(data)
arrays, notes = checkpoints.read("model.safetensors")  # wrong
