"""Small files in the format of MNIST."""

import hashlib
import struct

import numpy as np

N_IMAGES = {"train": 30, "t10k": 20}


def write_mnist_files(data_home):
    """Write four files of random images, and return their SHA-256 checksums by name."""
    folder = data_home / "MNIST" / "raw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    checksums = {}
    for prefix, n in N_IMAGES.items():
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = rng.permutation(n).astype(np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{prefix}-{kind}-ubyte"
            path.write_bytes(to_idx(array))
            checksums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return checksums


def to_idx(array):
    """Return an array as the content of a file in the IDX format."""
    header = struct.pack(">HBB", 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
