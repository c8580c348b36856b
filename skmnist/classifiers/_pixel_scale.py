"""Warning about pixels on another scale than that of the training images."""

import inspect
import math
import warnings

import numpy as np
import torch

from skmnist.classifiers._batch_loader import select
from skmnist.datasets import LazyImages

LAZY_IMAGES = 100
"""Images whose pixels are looked at, if they are read for it."""

TOO_SMALL = 1 / 6
"""Fraction of the root mean square of the training pixels that one should reach."""

NEGATIVE, TOO_MANY = 1 / 10, 1 / 50
"""Fraction of the largest training pixel, below 0, and fraction of pixels below that.

Few such pixels are no other scale: interpolation overshoots, and scikit-learn's scalers
stretch pixels that hardly vary in the training images.
"""


def warn_of_other_scale(estimator, images):
    """Warn if the pixels cannot be on the scale of the training images.

    `ImageClassifier.predict` describes the test. A single image must not take much
    longer, so that first the smallest and the largest pixel decide whether it is
    needed.

    Parameters
    ----------
    estimator : ImageClassifier
        Fitted. Those of files of earlier versions lack `pixel_range_`: no warning.
    images : tensor or LazyImages of shape (n, C, H, W)
        Of lazy ones, at most `LAZY_IMAGES` are read, evenly spaced.

    Warns
    -----
    UserWarning
    """
    known = getattr(estimator, "pixel_range_", None)
    if known is None:
        return
    if isinstance(images, LazyImages):
        n = len(images)
        positions = np.arange(0, n, -(-n // LAZY_IMAGES))
        images = select(images, positions)
    lowest, highest = torch.aminmax(images)
    lowest, highest = lowest.item(), highest.item()
    largest, largest_known = max(-lowest, highest), max(-known[0], known[1])
    bound = -NEGATIVE * largest_known
    negative = known[0] >= 0 and lowest < bound
    if TOO_SMALL * largest_known <= largest <= largest_known and not negative:
        return
    if lowest == highest or largest_known == 0:  # blank
        return
    if (
        largest < TOO_SMALL * _root_mean_square(estimator, largest_known)
        or images.abs().mean(dtype=torch.float64) > largest_known
        or (negative and (images < bound).double().mean() > TOO_MANY)
    ):
        warnings.warn(
            f"Got X with pixels from {lowest:g} to {highest:g}, but "
            f"{type(estimator).__name__} was trained on pixels from {known[0]:g} to "
            f"{known[1]:g}: on another scale, predictions are unreliable. Convert X as "
            "the training images were.",
            stacklevel=_stacklevel_of_caller(),
        )


def _root_mean_square(estimator, largest_known):
    """Root mean square of the training pixels.

    `pixel_std_` is 1 instead of 0 for blank channels, so that this is an upper bound;
    so is the largest pixel.
    """
    mean, std = estimator.pixel_mean_, estimator.pixel_std_
    return min(math.hypot(*mean, *std) / math.sqrt(len(mean)), largest_known)


def _stacklevel_of_caller():
    """Level, for the function that calls this one, of the code that uses a library."""
    packages = (
        frame.frame.f_globals.get("__name__", "") for frame in inspect.stack(0)[1:]
    )
    outside = (
        level
        for level, name in enumerate(packages, start=1)
        if name.partition(".")[0] not in ("skmnist", "sklearn")
    )
    return next(outside, 1)
