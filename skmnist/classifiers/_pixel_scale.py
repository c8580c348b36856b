"""Warning about pixels on another scale than that of the training images."""

import inspect
import math
import warnings

import numpy as np
import torch

from skmnist.classifiers._batch_loader import select
from skmnist.classifiers._random_state import fork_rng
from skmnist.datasets import LazyImages

LAZY_IMAGES = 100
"""Images whose pixels are looked at, if they are read for it."""

TOO_LARGE = 3
"""Multiple of the largest training pixel that no pixel should exceed."""

TOO_SMALL = 1 / 6
"""Fraction of the root mean square of the training pixels that one should reach."""

TOO_NEGATIVE = 1 / 10
"""Fraction of the largest training pixel below 0, where there was none below 0."""


def warn_of_other_scale(estimator, images):
    """Warn if the pixels cannot be on the scale of the training images.

    `ImageClassifier.predict` describes the test. It needs the smallest and largest
    pixel only, because a single image must not take much longer.

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
        lazy = images
        images = fork_rng(estimator.device_, lambda: select(lazy, positions))
    lowest, highest = torch.aminmax(images)
    lowest, highest = lowest.item(), highest.item()
    largest, largest_known = max(-lowest, highest), max(-known[0], known[1])
    too_negative = known[0] >= 0 and lowest < -TOO_NEGATIVE * largest_known
    usual = TOO_SMALL * largest_known <= largest <= TOO_LARGE * largest_known
    if usual and not too_negative:
        return
    if lowest == highest or largest_known == 0:  # blank
        return
    too_large = largest > TOO_LARGE * largest_known
    too_small = largest < TOO_SMALL * _root_mean_square(estimator, largest_known)
    if too_negative or too_large or too_small:
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
    packages = (frame.frame.f_globals["__name__"] for frame in inspect.stack(0)[1:])
    outside = (
        level
        for level, name in enumerate(packages, start=1)
        if name.partition(".")[0] not in ("skmnist", "sklearn")
    )
    return next(outside, 1)
