"""The output folder of a command, locked while the command works in it."""

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".skmnist.lock"
"""Name of the lock file, which is locked while a command works in the folder.

The lock ends with its process. The file remains only if the process was killed.
"""


@contextmanager
def output_folder(folder, option="--out"):
    """Create a folder and lock it; remove it again if the work inside fails.

    Files that a killed process left half-written are removed.

    Parameters
    ----------
    folder : Path
    option : str, default="--out"
        Option by which the user chose the folder, for error messages.

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    OSError
        If the folder is not writable, or another command works in it.
    """
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    # no fallback: a soft lock may outlive the process that holds it
    lock = FileLock(folder / LOCK, blocking=False, fallback_to_soft=False)
    try:
        _lock(lock, folder, option)
        yield folder
    except BaseException:
        _unlock(lock)
        for path in created:
            with suppress(OSError):  # it is not empty
                path.rmdir()
        raise
    _unlock(lock)


def _lock(lock, folder, option):
    """Create a folder, lock it, and remove what killed commands left there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        tempfile.TemporaryFile(dir=folder).close()
        for leftover in folder.glob(".skmnist-*"):
            shutil.rmtree(leftover)
    except Timeout as error:
        raise OSError(
            f"Got {option} {folder}, but another skmnist command is working in that "
            "folder. Wait until it has finished, or choose another folder."
        ) from error
    except OSError as error:
        raise OSError(
            f"Cannot write into {folder}: {error}. Make it writable, or choose another "
            f"folder with {option}."
        ) from error


def _unlock(lock):
    """Release a lock, if it is held, and remove its file."""
    if lock.is_locked:
        if os.name != "nt":  # on Windows, the release removes the file
            # before the release: afterwards it may belong to another command
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
