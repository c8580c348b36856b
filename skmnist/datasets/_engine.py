"""Load a data set of the table."""

from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._verified_files import download, find_file, read_file

SUBSETS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
"""Values of `subset`, and the subsets that each consists of."""


ARCHIVES_ONLY = (
    "Only archives have a known checksum here, so unpacked files are not read."
)


def fetch(dataset, *, data_home, subset, download_if_missing, return_X_y, as_frame):
    """Load a data set, and download it if necessary.

    Parameters
    ----------
    dataset : ImageDataset
        Entry of the table.
    data_home, subset, download_if_missing, return_X_y, as_frame
        As in `fetch_mnist`.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)

    Raises
    ------
    ValueError, ImportError, OSError
        As in `fetch_mnist`.
    """
    if subset not in SUBSETS:
        raise ValueError(f"Got subset={subset!r}, expected one of {list(SUBSETS)}.")
    try:
        home = Path(get_data_home(data_home))
    except OSError as error:
        raise OSError(
            f"Cannot use data_home={data_home!s}: {error}. Pass a folder that exists "
            f"or can be created{_mention_alternative(dataset)}."
        ) from error
    missing = list_missing(dataset, home)
    if missing:
        if not download_if_missing:
            reason = "download_if_missing is False."
            raise _not_found(dataset, home, missing, reason)
        try:
            download(dataset.download, home, dataset.files | dataset.unread_files)
        except OSError as error:
            reason = f"The download failed: {error}"
            raise _not_found(dataset, home, missing, reason) from error
    contents = {}  # both parts may be in one file
    for name in SUBSETS[subset]:
        for part in dataset.parts[name]:
            for path, checksum in part.files.items():
                if path not in contents:
                    contents[path] = read_file(home / path, checksum)
    arrays = [
        part.read(*(contents[path] for path in part.files))
        for name in SUBSETS[subset]
        for part in dataset.parts[name]
    ]
    images, target = map(np.concatenate, zip(*arrays, strict=True))
    return make_bunch(
        images,
        target.astype(np.int64),
        dataset.description,
        target_names=np.array(dataset.target_names),
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def list_missing(dataset, home):
    """List the files of a data set that are not in a folder, nor gzipped copies.

    Parameters
    ----------
    dataset : ImageDataset
    home : Path

    Returns
    -------
    list of str
        Paths relative to `home`.
    """
    return [path for path in dataset.files if not find_file(home / path)]


def _not_found(dataset, home, missing, reason):
    """Return the error for missing files, with what to do about them."""
    names = ", ".join(Path(path).name for path in missing)
    folder = Path(missing[0]).parent
    place = "" if folder == Path() else f" in {folder}"
    if dataset.reads_archives:
        reason += f" {ARCHIVES_ONLY}"
    return OSError(
        f"{dataset.name} was not found: {home / folder} has no {names}. {reason}\n"
        "Pass data_home=... (or set SCIKIT_LEARN_DATA) to a folder that has these "
        f"files{place}, {dataset.source}{_mention_alternative(dataset)}."
    )


def _mention_alternative(dataset):
    return f", or use {dataset.alternative}" if dataset.alternative else ""
