"""Download data files through torchvision and check them by SHA-256."""

import hashlib
import os
import socket
import tempfile
import threading
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import numpy as np

TIMEOUT = 15
"""Seconds after which a connection, or a server that sends nothing, fails."""

_LOCK = threading.Lock()


def read_file(path, sha256):
    """Read a file and check that it is the expected one.

    Parameters
    ----------
    path : Path
    sha256 : str
        Its SHA-256 checksum in hexadecimal.

    Returns
    -------
    ndarray of shape (n_bytes,), uint8
        Writeable; exactly the bytes that were checked.

    Raises
    ------
    OSError
        If the file cannot be read, or does not have this checksum.
    """
    content = np.fromfile(path, dtype=np.uint8)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise OSError(
            f"{path} is damaged or is another file: its SHA-256 checksum is {found}, "
            f"expected {sha256}. Delete the file to download it again."
        )
    return content


def download(dataset_class, root, checksums):
    """Download the files of a torchvision data set.

    torchvision downloads into a temporary folder in `root`. The files are moved into
    place when all of them have been checked, so a failed download leaves nothing
    behind.

    Parameters
    ----------
    dataset_class : type
        Class of the data set; `dataset_class(root=folder, download=True)` downloads it.
    root : Path
        An existing folder, the `root` of the data set.
    checksums : dict of Path to str
        SHA-256 checksum of each file, by its path relative to `root`.

    Raises
    ------
    OSError
        If no server answers, the download breaks off, or a file is not the expected
        one.
    """
    with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder:
        try:
            with _socket_timeout(TIMEOUT):
                dataset_class(root=folder, download=True)
        except (RuntimeError, HTTPException) as error:  # of torchvision, of urllib
            raise OSError(str(error)) from error
        for path, sha256 in checksums.items():
            read_file(Path(folder, path), sha256)
        for path in checksums:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(folder, path), root / path)


@contextmanager
def _socket_timeout(seconds):
    """Set the default timeout of new sockets.

    torchvision opens connections without a timeout and has no parameter for one. This
    default is the only way to keep a silent server from blocking forever. It applies
    to all threads of the process; the lock keeps two downloads from restoring each
    other's value.
    """
    with _LOCK:
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(seconds)
        try:
            yield
        finally:
            socket.setdefaulttimeout(before)
