"""Adjustment of the stroke width to that of MNIST."""

import math

import numpy as np

from skmnist._centering import DIGIT_SIZE
from skmnist.preprocessing._binary_images import crop, label_components

STROKE_WIDTH_STEPS = (1, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1)
"""Fractions of the change of stroke width, tried in this order."""


def set_stroke_width(digit, stroke_width):
    """Dilate or erode a digit until its strokes have a given width.

    The change is smaller where the full one would split the digit or remove a hole.

    Parameters
    ----------
    digit : ndarray of shape (height, width), bool
        Cropped to its bounding box.
    stroke_width : float
        Width in pixels of the final image, in which the digit is scaled to
        `DIGIT_SIZE`.

    Returns
    -------
    ndarray of shape (new_height, new_width), bool
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    side = max(digit.shape)
    padded = np.pad(digit, 1)
    inside = distance_transform_edt(padded)
    current_width = 2 * np.median(inside[skeletonize(padded)])
    # a dilated digit is larger, so that it is scaled down by more
    relative_width = stroke_width / DIGIT_SIZE
    shift = (relative_width * side - current_width) / (2 * (1 - relative_width))
    if abs(2 * shift) < 0.1 * current_width:
        return digit
    padded = np.pad(digit, math.ceil(abs(shift)) + 2)
    distance = distance_transform_edt(~padded) - distance_transform_edt(padded)
    min_area = max(1.0, 0.5 * (side / DIGIT_SIZE) ** 2)  # of a hole, in pixels
    n_holes = _count_holes(padded, min_area)
    n_components = label_components(padded)[1]
    for step in STROKE_WIDTH_STEPS:
        moved = distance <= step * shift
        if not moved.any() or label_components(moved)[1] > n_components:
            continue
        n_holes_moved = _count_holes(moved, min_area)
        if n_holes_moved == n_holes or (shift > 0 and n_holes_moved > n_holes):
            return crop(moved)
    return crop(distance <= 0.7 * shift) if shift > 0 else digit


def _count_holes(mask, min_area):
    """Count the holes of at least `min_area` pixels."""
    from scipy import ndimage

    labels, _ = ndimage.label(~np.pad(mask, 1))
    n_regions = (np.bincount(labels.ravel())[1:] >= min_area).sum()
    return int(n_regions) - 1  # the background around the digit is one of them
