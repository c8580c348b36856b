"""The MNIST database."""

from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._verified_files import download, read_file

FOLDER = Path("MNIST", "raw")
"""Folder of the files in `data_home`, as torchvision names it."""

SHA256 = {
    "train-images-idx3-ubyte": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}
"""SHA-256 checksums of the uncompressed files."""

SUBSETS = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}
"""Values of `subset`, and the prefixes of their files."""

DESCR = """\
The MNIST database of handwritten digits: 60,000 training and 10,000 test images.

Each image has 28x28 pixels, from 0 (background) to 255 (ink). The digits were scaled to
fit into 20x20 pixels and centred by their centre of mass.

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database of handwritten digits;
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE 86 (11), 1998.
"""


def fetch_mnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load the MNIST digits, and download them through torchvision if necessary.

    The files are those of `torchvision.datasets.MNIST(root=data_home)`, in the folder
    `MNIST/raw` of `data_home`. Each call checks them against their known SHA-256
    checksums, so a damaged file is an error and never gives wrong digits.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training digits, the 10,000 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (11 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes.
        feature_names : list of 784 str
            Row and column of each pixel.
        DESCR : str
            Description and source.

    Raises
    ------
    ValueError
        If `subset` is not one of the three values.
    ImportError
        If `as_frame` is True and pandas is not installed.
    OSError
        If the files are missing and cannot, or must not, be downloaded, or if a file
        does not have its checksum.

    Notes
    -----
    A download fails when the server sends nothing for 15 seconds. Since all addresses
    of all servers are tried, a network that drops every packet can take a few minutes
    to fail. During the download this timeout is the default for new sockets in all
    threads of the process (`socket.setdefaulttimeout`).

    Examples
    --------
    >>> from skmnist.datasets import fetch_mnist
    >>> X, y = fetch_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    if subset not in SUBSETS:
        raise ValueError(f"Got subset={subset!r}, expected one of {list(SUBSETS)}.")
    try:
        home = Path(get_data_home(data_home))
    except OSError as error:
        raise OSError(
            f"Cannot use data_home={data_home!s}: {error}. Pass a folder that exists "
            "or can be created, or use skmnist.datasets.load_mnist_sample()."
        ) from error
    missing = [name for name in SHA256 if not (home / FOLDER / name).is_file()]
    if missing:
        if not download_if_missing:
            raise _not_found(home, missing, "download_if_missing is False.")
        from torchvision.datasets import MNIST

        try:
            download(MNIST, home, {FOLDER / name: SHA256[name] for name in SHA256})
        except OSError as error:
            reason = f"The download failed: {error}"
            raise _not_found(home, missing, reason) from error
    images, target = (
        np.concatenate(
            [_read_idx(home, f"{prefix}-{kind}-ubyte") for prefix in SUBSETS[subset]]
        )
        for kind in ("images-idx3", "labels-idx1")
    )
    return make_bunch(
        images,
        target.astype(np.int64),
        DESCR,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def _read_idx(home, name):
    """Read the array in one of the files, which are in the IDX format.

    A file has four bytes, the last of which is the number of dimensions; the length of
    each dimension as a big-endian uint32; and the values.
    """
    content = read_file(home / FOLDER / name, SHA256[name])
    header = 4 + 4 * content[3]
    return content[header:].reshape(content[4:header].view(">u4"))


def _not_found(home, missing, reason):
    """Return the error for missing files, with what to do about them."""
    return OSError(
        f"MNIST was not found: {home / FOLDER} has no {', '.join(missing)}. {reason}\n"
        "Pass data_home=... (or set SCIKIT_LEARN_DATA) to a folder that has these "
        "files in MNIST/raw, or use skmnist.datasets.load_mnist_sample(), 5,000 digits "
        "that need no download."
    )
