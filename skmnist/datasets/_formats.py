"""Formats of data files: bytes that were checked to images and labels.

Each `read_*` returns images of shape (n, height, width) or (n, 3, height, width), and
labels of shape (n,).
"""

import gzip
import io
import pickle
import zipfile

import numpy as np
from sklearn.datasets import load_svmlight_file

IDX_DTYPES = {8: ">u1", 12: ">i4"}
"""Data types in the IDX format by their code; only those that occur here."""


def read_idx(images, labels):
    """Read images and labels in the IDX format.

    QMNIST has eight numbers for each image, the first of which is the class.
    """
    labels = _parse_idx(labels)
    return _parse_idx(images), labels if labels.ndim == 1 else labels[:, 0]


def _parse_idx(content):
    """Make the array of a file in the IDX format.

    It has four bytes, the last two of which are the data type and the number of
    dimensions; the length of each dimension as a big-endian uint32; and the values.
    """
    header = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:header], ">u4")
    values = np.frombuffer(content, IDX_DTYPES[content[2]], offset=header)
    return values.reshape(shape)


def read_emnist(archive, *, prefix):
    """Read images and labels in the archive of EMNIST, where images are transposed.

    Parameters
    ----------
    archive : bytes
        A zip file with gzipped files in the IDX format.
    prefix : str
        Start of the names of the two files, such as "emnist-letters-train".
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        images, labels = (
            gzip.decompress(members.read(f"gzip/{prefix}-{kind}-ubyte.gz"))
            for kind in ("images-idx3", "labels-idx1")
        )
    images, labels = read_idx(images, labels)
    return images.transpose(0, 2, 1), labels


def read_usps(text):
    """Read USPS in the format of LIBSVM.

    Pixels from -1 to 1 are converted as torchvision does, and labels from 1 to 10 to
    digits.
    """
    pixels, labels = load_svmlight_file(
        io.BytesIO(text), n_features=256, dtype=np.float32
    )
    pixels = ((pixels.toarray() + 1) / 2 * 255).astype(np.uint8)
    return pixels.reshape(-1, 16, 16), labels - 1


def read_svhn(file):
    """Read a file of SVHN in the format of Matlab, where 10 is the label of the 0."""
    from scipy.io import loadmat

    arrays = loadmat(io.BytesIO(file))
    return arrays["X"].transpose(3, 2, 0, 1), arrays["y"].ravel() % 10


def read_cifar(batch, *, labels):
    """Read a pickled batch of CIFAR.

    Parameters
    ----------
    batch : bytes
    labels : bytes
        Key of the labels.
    """
    arrays = _ArrayUnpickler(io.BytesIO(batch), encoding="bytes").load()
    return arrays[b"data"].reshape(-1, 3, 32, 32), np.array(arrays[labels])


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickle arrays and Python's containers, and nothing that could run other code.

    The checksums of CIFAR's files are MD5, for which another file with the same sum can
    be constructed.
    """

    def find_class(self, module, name):
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(
                f"Got a pickle that contains {module}.{name}, expected arrays alone."
            )
        return ARRAY_PARTS[module, name]


ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    # these pickles have integers where NumPy expects booleans
    ("numpy", "dtype"): lambda code, *flags: np.dtype(code, *map(bool, flags)),
}
"""What a pickled array is made of."""
