"""Training data from a folder of pictures."""

import math

import numpy as np
from sklearn import get_config

from skmnist.datasets._image_folder import index_folder, make_lazy_bunch, read_bunch

TEST_FRACTION = 0.2
"""Part of the pictures of each class that is held out."""

SPLIT_SEED = 0
"""Seed of the choice of the pictures that are held out."""

LARGE_SIDE = 128
"""Side of pictures, in pixels, above which they are not trained on unless wanted."""


def load_folder(folder, image_size):
    """Load the pictures in a folder, and hold some of each class out.

    Parameters
    ----------
    folder : str
    image_size : int or None
        Side of the squares to which the pictures are resized. None: they keep their
        size.

    Returns
    -------
    X_train, X_test : ndarray or LazyImages of shape (n, height, width) or \
            (n, 3, height, width)
    y_train, y_test : ndarray of shape (n,), str
    image_shape : tuple (channels, height, width)

    Raises
    ------
    OSError, ValueError
        If pictures cannot be read, or there are too few of them.

    Warns
    -----
    UserWarning
        If files are skipped.
    """
    index = index_folder(folder, "warn")
    _check_counts(index.target, index.class_names)
    if image_size is None:
        image_shape = index.get_common_shape(
            "Pass the size to which all are resized, such as --image-size 32."
        )
        _, height, width = image_shape
        if max(height, width) > LARGE_SIDE:
            raise ValueError(
                f"Got pictures of {width}x{height} pixels, which would need a large "
                "network and a long time. Pass the size to which they are resized, "
                f"such as --image-size 32 (or --image-size {max(height, width)})."
            )
    else:
        image_shape = index.n_channels, image_size, image_size
    n_bytes = len(index.filenames) * math.prod(image_shape)
    fits = n_bytes <= get_config()["working_memory"] * 2**20
    pictures = (read_bunch if fits else make_lazy_bunch)(index, image_shape, "warn")
    is_test = hold_out(pictures.target, pictures.target_names)
    y = pictures.target_names[pictures.target]
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    return pictures.images[train], pictures.images[test], y[train], y[test], image_shape


def hold_out(target, target_names):
    """Choose test images: the same part of each class, but at least one image.

    scikit-learn's splitters may hold out none of a small class.

    Parameters
    ----------
    target : ndarray of shape (n,), int
        Positions in `target_names`.
    target_names : sequence of str

    Returns
    -------
    ndarray of shape (n,), bool

    Raises
    ------
    ValueError
        If there is only one class, or one picture of a class.
    """
    _check_counts(target, target_names)
    generator = np.random.default_rng(SPLIT_SEED)
    is_test = np.zeros(len(target), dtype=bool)
    for code in range(len(target_names)):
        members = generator.permutation(np.flatnonzero(target == code))
        is_test[members[: max(1, round(TEST_FRACTION * len(members)))]] = True
    return is_test


def _check_counts(target, target_names):
    """Raise ValueError if there is only one class, or one picture of a class."""
    if len(target_names) == 1:
        raise ValueError(
            f"Got pictures of one class, {target_names[0]}; expected a folder for each "
            "of at least two classes."
        )
    counts = np.bincount(target, minlength=len(target_names))
    if counts.min() < 2:
        raise ValueError(
            f"Got one picture of the class {target_names[counts.argmin()]}, expected "
            "at least two: one to train on, and one that is held out."
        )
