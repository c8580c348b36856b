"""From files, PIL images and arrays to luminance at a working resolution."""

import math
import os

import numpy as np

from skmnist._picture_files import from_array, is_path, read_picture, to_rgb

WORKING_SIZE_RANGE = (256, 512)
"""Smallest and largest longer side of the luminance, in pixels."""


def to_list(X):
    """Convert X to a list of pictures; raise TypeError for a single picture."""
    if hasattr(X, "to_numpy"):  # a data frame, or one of its columns
        X = X.to_numpy()
    single = isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "convert")
    if single or not hasattr(X, "__iter__") or hasattr(X, "read"):
        raise TypeError(
            f"Got X as a {type(X).__name__}, expected a list of pictures. Pass [X] for "
            "a single picture."
        )
    return list(X)


def get_name(picture, number):
    """Name a picture in messages: its path, or its position in the list."""
    picture = unwrap_path(picture)
    if is_path(picture):
        return os.fspath(picture)
    return "the picture" if number is None else f"picture {number}"


def unwrap_path(picture):
    """Unwrap a path from an array of one element, as a data frame column yields."""
    one = isinstance(picture, np.ndarray) and picture.size == 1
    return picture.item() if one and picture.dtype.kind in "OU" else picture


def read_luminance(picture, name, max_pixels, size_range=WORKING_SIZE_RANGE):
    """Read one picture.

    Parameters
    ----------
    picture : path, file, PIL.Image or array
    name : str
        Name of the picture in error messages.
    max_pixels : int
        Files with more pixels are refused.
    size_range : tuple of two int, default=(256, 512)
        Smallest and largest longer side of the luminance, in pixels.

    Returns
    -------
    rgb : ndarray of shape (height, width, 3), uint8
        The picture; a large file is decoded at a lower resolution.
    luminance : ndarray of shape (new_height, new_width), float64, in [0, 1]
        Resized so that its longer side is in `size_range`.
    original_size : tuple of two int
        Width and height of the original picture, in pixels.
    """
    picture = unwrap_path(picture)
    if is_path(picture) or hasattr(picture, "read"):
        image, original_size = read_picture(
            picture,
            name,
            max_pixels=max_pixels,
            side=2 * WORKING_SIZE_RANGE[1],
            reduce=True,
        )
    else:
        image = picture if hasattr(picture, "convert") else from_array(picture, name)
        original_size = image.size
    if min(image.size) < 1:
        raise ValueError(f"Got {name} of size {image.size}, which has no pixels.")
    rgb = to_rgb(image, name)
    grey = rgb.convert("L")
    side, (smallest, largest) = max(grey.size), size_range
    factor = largest / side if side > largest else math.ceil(smallest / side)
    if factor != 1:
        from PIL.Image import Resampling

        size = [max(1, round(length * factor)) for length in grey.size]
        method = Resampling.HAMMING if factor < 1 else Resampling.BICUBIC
        # as float: 8 bits would turn soft shadows into steps
        grey = grey.convert("F").resize(size, method)
    luminance = np.clip(np.asarray(grey, dtype=np.float64) / 255, 0, 1)
    return np.asarray(rgb), luminance, original_size
