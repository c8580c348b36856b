"""Rows of digits, which may be tilted."""

import math

import numpy as np

MAX_TILT = 12.0
"""Largest angle of the rows with the horizontal that is tried, in degrees."""

TILT_STEP = 0.5

CORE = 0.5
"""Height of the middle part of a digit by which it belongs to a row, relative to it.

Digits of one row share a part of their middles; those of two rows do not.
"""

SMALLEST = 0.4
"""Height of the smallest digit of a row, relative to the typical one."""


def typical_height(shapes):
    """Height of most digits: the median, weighted so that specks do not count.

    Parameters
    ----------
    shapes : list of Shape
        Not empty.

    Returns
    -------
    int
    """
    heights = np.sort([shape.height for shape in shapes])
    weights = np.cumsum(heights.astype(float) ** 3)
    return int(heights[np.searchsorted(weights, weights[-1] / 2)])


def sort_into_rows(shapes):
    """Find the rows of shapes and sort each from left to right.

    Parameters
    ----------
    shapes : list of Shape

    Returns
    -------
    list of list of Shape
        The shapes of each row, from top to bottom.
    """
    if not shapes:
        return []
    boxes = np.array([shape.box for shape in shapes], dtype=float)
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    half = CORE / 2 * np.array([shape.height for shape in shapes])

    def cores(degrees):
        angle = math.radians(degrees)
        middle = y * math.cos(angle) - x * math.sin(angle)
        return middle - half, middle + half

    angles = np.arange(-MAX_TILT, MAX_TILT + TILT_STEP / 2, TILT_STEP)
    # along the rows, the middles of the digits cover the smallest part of the height
    covered = [
        _union(*cores(degrees))[0] * (1 + abs(degrees) / 500) for degrees in angles
    ]
    degrees = angles[np.argmin(covered)]
    _, row = _union(*cores(degrees))
    angle = math.radians(degrees)
    along = x * math.cos(angle) + y * math.sin(angle)
    order = np.lexsort([along, row])
    return [
        [shapes[index] for index in order[row[order] == number]]
        for number in range(row.max() + 1)
    ]


def drop_dots(rows):
    """Leave out dots, commas and dashes: what is much lower than the digits of its row.

    Parameters
    ----------
    rows : list of list of Shape

    Returns
    -------
    list of list of Shape
    """
    kept = []
    for row in rows:
        least = SMALLEST * typical_height(row)
        kept.append([shape for shape in row if shape.height > least])
    return kept


def _union(low, high):
    """Length of the union of intervals, and the number of each one's component."""
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    starts = np.r_[True, low[order][1:] > reach[:-1]]
    number = np.empty(len(low), int)
    number[order] = np.cumsum(starts) - 1
    ends = reach[np.r_[np.flatnonzero(starts)[1:] - 1, -1]]
    return (ends - low[order][starts]).sum(), number
