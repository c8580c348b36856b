"""The MNIST database, through torchvision."""

import hashlib
import http.client
import os
import queue
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home

from skmnist.datasets._adapter import dataset_to_arrays
from skmnist.datasets._bunch import make_bunch

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
"""The unpacked files of the database and their sums."""

SUBSETS = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}
"""What `subset` may be, and how the names of its files begin."""

PATIENCE = 20
"""Seconds to wait for a sign of life from a download server."""

DESCR = """\
The MNIST database of handwritten digits: 60,000 to train on and 10,000 to test with.

Each image is 28x28 pixels, from 0 (background) to 255 (ink); a digit was scaled into
20x20 pixels and placed by its centre of mass.

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
    """Load the MNIST digits, and download them through torchvision if they are missing.

    The files are those of `torchvision.datasets.MNIST(root=data_home)`, in the folder
    `MNIST/raw` of `data_home`. They are checked against their known SHA-256 sums each
    time, so a damaged file gives an error and never wrong digits.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. None is scikit-learn's: what the environment variable
        `SCIKIT_LEARN_DATA` says, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training digits, the 10,000 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (11 MB). False raises instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` in place of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        The digits:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as squares.
        target : ndarray of shape (n,), int64
            The digits.
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
        If `subset` is none of the three.
    OSError
        If the files are missing and cannot, or must not, be downloaded, or if a file is
        not the one that belongs to MNIST.

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
            "or can be made, or use skmnist.datasets.load_mnist_sample()."
        ) from error
    raw = home / "MNIST" / "raw"
    missing = [name for name in SHA256 if not (raw / name).is_file()]
    if missing:
        if not download_if_missing:
            raise _not_found(raw, missing, "download_if_missing is False.")
        try:
            _download(home, raw)
        except (OSError, RuntimeError) as error:
            reason = f"The download failed: {error}"
            raise _not_found(raw, missing, reason) from error
    for prefix in SUBSETS[subset]:
        for name in (name for name in SHA256 if name.startswith(prefix)):
            _check_sum(raw / name)
    parts = [_read(home, train=prefix == "train") for prefix in SUBSETS[subset]]
    images, target = (
        arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        for arrays in zip(*parts, strict=True)
    )
    return make_bunch(images, target, DESCR, return_X_y=return_X_y, as_frame=as_frame)


def _read(home, train):
    """Images (n, 28, 28) and labels (n,) of one of torchvision's two halves."""
    from torchvision.datasets import MNIST

    return dataset_to_arrays(MNIST(root=home, train=train, download=False))


def _check_sum(path):
    """Raise OSError if the file is not the one that belongs to MNIST."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256[path.name]:
        raise OSError(
            f"{path} is damaged or is not MNIST's: its SHA-256 sum is {found}, "
            f"expected {SHA256[path.name]}. Delete the file, and fetch_mnist will "
            "download it again."
        )


def _not_found(raw, missing, reason):
    """The error for files that are not there, with the ways out."""
    return OSError(
        f"MNIST was not found: {raw} has no {', '.join(missing)}. {reason}\n"
        "Two ways out: pass data_home=... (or set SCIKIT_LEARN_DATA) to a folder that "
        "has these files in MNIST/raw, or use skmnist.datasets.load_mnist_sample(), "
        "5,000 digits that need no download."
    )


def _download(home, raw):
    """Let torchvision download into a temporary folder; move what is whole into place.

    Raises
    ------
    OSError, RuntimeError
        If no server answers, a download breaks off, or a file is not the expected one.
    """
    from torchvision.datasets import MNIST

    first_file = MNIST.resources[0][0]
    _wait_for_answer([mirror + first_file for mirror in MNIST.mirrors])
    with tempfile.TemporaryDirectory(prefix=".mnist-", dir=home) as folder:
        with _socket_timeout(PATIENCE):
            MNIST(root=folder, download=True)
        downloaded = Path(folder) / "MNIST" / "raw"
        for name in SHA256:
            _check_sum(downloaded / name)
        raw.mkdir(parents=True, exist_ok=True)
        for name in SHA256:
            os.replace(downloaded / name, raw / name)


def _wait_for_answer(urls):
    """Return as soon as one of the addresses answers, raise OSError if none does.

    A name look-up or a connection can hang far longer than any time-out that a socket
    is given, so the waiting is done in threads that nobody waits for.
    """
    answers = queue.Queue()

    def ask(url):
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE):
                answers.put(None)
        except urllib.error.HTTPError as error:
            error.close()
            answers.put(None)  # an answer, whatever it says; torchvision will see
        except (OSError, http.client.HTTPException) as error:
            answers.put(f"{url}: {error}")

    for url in urls:
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    failures, end = [], time.monotonic() + PATIENCE
    for _ in urls:
        try:
            failure = answers.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            failures.append(f"no answer within {PATIENCE} seconds")
            break
        if failure is None:
            return
        failures.append(failure)
    raise OSError("no server could be reached (" + "; ".join(failures) + ").")


@contextmanager
def _socket_timeout(seconds):
    """A time-out for sockets of libraries that set none themselves."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
