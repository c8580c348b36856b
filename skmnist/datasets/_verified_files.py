"""Download data files through torchvision and check them by their checksums."""

import gzip
import hashlib
import os
import socket
import tempfile
import threading
import warnings
import zlib
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import numpy as np

TIMEOUT = 15
"""Seconds after which a connection, or a server that sends nothing, fails."""

ALGORITHMS = {32: "MD5", 64: "SHA-256"}
"""Algorithm of a checksum, by its number of hexadecimal digits."""

_LOCK = threading.Lock()


def find_file(path):
    """Find a file or its gzipped copy.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Path or None
        `path`, or if there is no such file, `path` with ".gz" at the end, or None.
    """
    compressed = path.with_name(f"{path.name}.gz")
    return next((found for found in (path, compressed) if found.is_file()), None)


def read_file(path, checksum):
    """Read a file or its gzipped copy, and check that its content is the expected one.

    Parameters
    ----------
    path : Path
    checksum : str
        Checksum of the content in hexadecimal: SHA-256 or MD5, according to its length.
        Of a gzipped copy, it is the checksum of the unpacked content.

    Returns
    -------
    bytes
        Exactly the bytes that were checked.

    Raises
    ------
    OSError
        If the file cannot be read, or does not have this checksum.
    """
    found = find_file(path) or path
    content = found.read_bytes()
    remedy = "Delete the file to download it again."
    if found != path:
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OSError(f"{found} is damaged: {error}. {remedy}") from error
    algorithm = ALGORITHMS[len(checksum)]
    name = algorithm.replace("-", "")
    actual = hashlib.new(name, content, usedforsecurity=False).hexdigest()
    if actual != checksum:
        raise OSError(
            f"{found} is damaged or is another file: its {algorithm} checksum is "
            f"{actual}, expected {checksum}. {remedy}"
        )
    return content


def download(download_to, root, checksums):
    """Download the files of a data set.

    They are downloaded into a temporary folder in `root`, and moved into place when all
    of them have been checked, so a failed download leaves nothing behind.

    Parameters
    ----------
    download_to : callable
        `download_to(folder)` downloads the files into a folder.
    root : Path
        An existing folder.
    checksums : dict of str to str
        Checksum of each file, by its path relative to `root`.

    Raises
    ------
    OSError
        If no server answers, the download breaks off, or a file is not the expected
        one.
    """
    with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder:
        try:
            with _socket_timeout(TIMEOUT), warnings.catch_warnings():
                # torchvision unpickles CIFAR's batches, which NumPy 2.4.0 to 2.4.4
                # call outdated
                warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
                download_to(folder)
        except (RuntimeError, HTTPException) as error:  # of torchvision, of urllib
            raise OSError(str(error)) from error
        for path, checksum in checksums.items():
            read_file(Path(folder, path), checksum)
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
