"""Reasons to doubt that the segmented digits are complete, and each a single one."""

import itertools

import numpy as np

from skmnist._centering import DIGIT_SIZE
from skmnist.preprocessing._binary_images import crop, label_components

NO_DIGIT = "No digit found. Use a picture of one digit, dark on light or light on dark."

NO_DIGITS = "No digits found. Use a picture of digits, dark on light or light on dark."


def quality_warnings(digit, scale):
    """List reasons to doubt the segmentation of a digit.

    Parameters
    ----------
    digit : ndarray of shape (height, width), bool
        Mask of the digit, not empty.
    scale : float
        Size of the mask relative to the original picture.

    Returns
    -------
    list of str
        Sentences that say what is wrong and what to do; empty if nothing is.
    """
    reasons = []
    n_parts = _count_parts_side_by_side(digit)
    if n_parts:
        reasons.append(
            f"{n_parts} separate parts lie side by side and are read as one digit. Use "
            "a picture of a single digit."
        )
    edges = digit[0], digit[-1], digit[:, 0], digit[:, -1]
    if any(edge.any() for edge in edges):
        reasons.append(
            "The strokes touch the edge of the picture, so the digit may be incomplete "
            "or include something else. Leave some empty paper around the digit."
        )
    side = max(crop(digit).shape) / scale
    if side < DIGIT_SIZE / 2:
        reasons.append(
            f"The digit is only {side:.0f} pixels large. Use a picture in which it has "
            f"at least {DIGIT_SIZE} pixels."
        )
    return reasons


def _count_parts_side_by_side(digit):
    """Count the large components; 0 unless two neighbors share no column."""
    labels, n_components = label_components(digit)
    areas = np.bincount(labels.ravel())[1:]
    spans = []
    for component in range(1, n_components + 1):
        columns = np.flatnonzero((labels == component).any(0))
        if areas[component - 1] > 0.25 * areas.max():
            spans.append((columns[0], columns[-1]))
    spans.sort()
    separate = any(left[1] < right[0] for left, right in itertools.pairwise(spans))
    return len(spans) if separate else 0


def number_warnings(boxes, size, max_digits):
    """List reasons to doubt that all digits are found and complete.

    Parameters
    ----------
    boxes : ndarray of shape (n_digits, 4)
        Left, top, right and bottom edge of the digits, in pixels.
    size : tuple of two int
        Width and height of the picture, in pixels.
    max_digits : int
        Number of digits that are found at most.

    Returns
    -------
    list of str
        Sentences that say what is wrong and what to do; empty if nothing is.
    """
    if not len(boxes):
        return [NO_DIGITS]
    reasons = []
    if len(boxes) >= max_digits:
        reasons.append(
            f"There are {max_digits} shapes or more, of which only the largest are "
            "taken as digits. Cut the picture into parts."
        )
    at_edge = (boxes[:, :2] <= 0).any(axis=1) | (boxes[:, 2:] >= size).any(axis=1)
    if at_edge.any():
        reasons.append(
            f"{at_edge.sum()} of {len(boxes)} digits at the edge of the picture may be "
            "incomplete. Leave some empty paper around the digits."
        )
    height = np.median(boxes[:, 3] - boxes[:, 1])
    if height < DIGIT_SIZE / 2:
        reasons.append(
            f"The digits are only {height:.0f} pixels high. Use a picture in which "
            f"they have at least {DIGIT_SIZE} pixels."
        )
    return reasons
