"""X of any kind: arrays, tables, or images that are read when they are needed."""

import math
from collections.abc import Iterator, Mapping
from os import PathLike

import numpy as np
import torch
from sklearn import get_config
from skorch.helper import SliceDataset
from torch.utils.data import DataLoader, Dataset

from skmnist.datasets import LazyImages
from skmnist.datasets._image_sources import (
    find_memory_map,
    find_source,
    has_channels_last,
)

PIXEL_DTYPES = (np.float32, np.uint8)
"""Types that `check_array` keeps; it converts others to the first."""


FEW = 128
"""Images that are read at once even if they are in an array that is kept otherwise."""


def open_images(X):
    """Turn images of other kinds into an array, or `LazyImages` if they are large.

    Parameters
    ----------
    X : object

    Returns
    -------
    object
        `LazyImages` for what is larger than scikit-learn's setting `working_memory`,
        for memory maps, and for arrays that cannot be written to: torch would copy them
        as a whole. Otherwise an array, or X itself: a table, a list, or anything else
        that scikit-learn checks.

    Raises
    ------
    TypeError, ValueError
        If X is a container that has no images, or needs to be unpacked first.
    """
    images = find_lazy(X)
    if images is None:
        return X
    keep = isinstance(X, np.ndarray) and len(X) > FEW
    return images if keep or not _fits_into_memory(images) else images.read()


def open_images_and_labels(X, y):
    """Do what `open_images` does, and take the labels from X if y is None.

    Parameters
    ----------
    X : object
    y : array-like or None

    Returns
    -------
    X : object
        See `open_images`.
    y : array-like or None
        None if X has no labels either.
    """
    images = None if isinstance(X, np.ndarray) else find_lazy(X)
    X = open_images(X if images is None else images)
    if y is None and images is not None:
        y = images.labels  # those of a data set have been read with its images
    return X, y


def may_draw(X):
    """Return whether reading X runs code that may draw random numbers."""
    if isinstance(X, LazyImages):
        return X.may_draw
    return isinstance(X, (Dataset, SliceDataset))


def find_lazy(X):
    """Return `LazyImages` for what cannot be checked by scikit-learn, or None.

    Parameters
    ----------
    X : object

    Returns
    -------
    LazyImages or None
    """
    if isinstance(X, LazyImages):
        return X
    if isinstance(X, np.ndarray):
        return LazyImages(X) if _stays_where_it_is(X) else None
    refuse_other_containers(X)
    source = find_source(X)
    return None if source is None else LazyImages(source)


def pixel_dtype(dtype):
    """Return the type in which the network receives pixels of a type."""
    return dtype if dtype in PIXEL_DTYPES else np.dtype(PIXEL_DTYPES[0])


def refuse_other_containers(X):
    """Raise TypeError for what holds images, but not as X, and say what to pass."""
    name = type(X).__name__
    if isinstance(X, (str, bytes, PathLike)):
        raise TypeError(
            f"Got X as a {name}, expected an array of pixels. Read the pictures first, "
            "for example by skmnist.datasets.load_image_folder(folder)."
        )
    if isinstance(X, DataLoader):
        raise TypeError(
            "Got a DataLoader as X, expected images. Pass its data set: X.dataset."
        )
    if isinstance(X, Mapping):
        keys = ", ".join(map(repr, list(X)[:5]))
        raise TypeError(
            f"Got a {name} with the keys {keys} as X, expected images. Pass the value "
            f"that holds them: X[{next(iter(X), 'images')!r}]."
        )
    if isinstance(X, (set, frozenset)):
        raise TypeError(
            f"Got a {name} as X, which has no order. Pass a list, or an array."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"Got a {name} as X, which can be read only once and has no length. Turn "
            "it into an array, numpy.stack(list(X)), or pass its chunks to partial_fit."
        )
    if isinstance(X, (list, tuple)) and len(X) and _is_pair(X[0]):
        raise TypeError(
            f"Got X as a {name} of pairs (image, label), which is what scikit-learn "
            "makes of a torch Dataset when it splits it. Wrap the data set: "
            "X = skmnist.datasets.LazyImages(dataset), y = X.labels."
        )


def _is_pair(item):
    """Whether an item of a list is an image with its label."""
    if not isinstance(item, tuple) or len(item) != 2:
        return False
    image, label = item
    has_pixels = getattr(image, "ndim", 0) >= 1 or hasattr(image, "convert")
    return has_pixels and np.ndim(label) == 0


def _stays_where_it_is(X):
    """Whether an array is read in batches.

    So are those that torch would copy as a whole, because they cannot be written to,
    and files, which may be shortened while they are read.
    """
    is_file = find_memory_map(X) is not None
    is_tensor = X.dtype in PIXEL_DTYPES and X.flags.c_contiguous
    if is_tensor and X.flags.writeable and not is_file:
        return False
    if X.ndim not in (2, 3, 4) or not len(X) or X.dtype.kind not in "buif":
        return False
    if X.ndim == 2 and math.isqrt(X.shape[1]) ** 2 != X.shape[1]:
        return False  # may have to be padded
    if has_channels_last(X.shape[1:]):
        return False  # refused, as for other arrays
    return is_tensor or (is_file and not _fits_into_memory(X))


def _fits_into_memory(images):
    """Whether images may be read as a whole."""
    n_bytes = math.prod(images.shape) * pixel_dtype(images.dtype).itemsize
    return n_bytes <= get_config()["working_memory"] * 2**20


def as_numpy(values, name):
    """Convert a tensor to an array, which shares its memory if it is on the CPU.

    Parameters
    ----------
    values : object
        Anything but a tensor is returned unchanged.
    name : str
        Its name in messages.

    Returns
    -------
    object

    Raises
    ------
    TypeError
        If the tensor is sparse or has no data.
    """
    if not isinstance(values, torch.Tensor):
        return values
    if values.layout != torch.strided or values.device.type == "meta":
        raise TypeError(
            f"Got {name} as a tensor of layout {values.layout} on {values.device}, "
            f"expected a dense one. Pass {name}.to_dense()."
        )
    values = values.detach().cpu()
    if values.dtype == torch.bfloat16:  # NumPy has no such type
        values = values.float()
    return values.numpy()
