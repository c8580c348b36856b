"""Removal of lines that cross the picture, as on ruled paper."""

import math

import numpy as np


def remove_lines(strokes):
    """Remove lines that cross the picture, but not the strokes that cross them.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool

    Returns
    -------
    ndarray of shape (height, width), bool
    """
    cleaned = _remove_horizontal_lines(_remove_horizontal_lines(strokes).T).T
    rows, columns = np.flatnonzero(cleaned.any(1)), np.flatnonzero(cleaned.any(0))
    if not len(rows):
        return strokes
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    # if almost nothing is left, the line was the digit
    return cleaned if extent > 0.1 * max(strokes.shape) else strokes


def _remove_horizontal_lines(strokes):
    """Remove thin lines from the left edge to the right one."""
    height, width = strokes.shape
    y, x = np.nonzero(strokes)
    ends = max(2, round(0.03 * width))
    cleaned = strokes
    for degrees in np.arange(-4, 4.01, 0.5):
        slope = math.tan(math.radians(degrees))
        shifted = np.round(y - slope * (x - (width - 1) / 2)).astype(int)
        inside = (shifted >= 0) & (shifted < height)

        def fill_ratio(selected, n_columns, shifted=shifted, inside=inside):
            counts = np.bincount(shifted[inside & selected], minlength=height)
            return counts / n_columns

        is_line = (
            (fill_ratio(x >= 0, width) > 0.75)
            & (fill_ratio(x < ends, ends) > 0.3)
            & (fill_ratio(x >= width - ends, ends) > 0.3)
        )
        limits = np.flatnonzero(np.diff(np.r_[False, is_line, False].astype(int)))
        for first, beyond in limits.reshape(-1, 2):
            thickness = beyond - first
            if thickness <= 0.05 * height:
                if cleaned is strokes:
                    cleaned = strokes.copy()
                drift = slope * (np.arange(width) - (width - 1) / 2)
                middle = np.round((first + beyond - 1) / 2 + drift).astype(int)
                _erase_line(strokes, cleaned, middle, thickness)
    return cleaned


def _erase_line(strokes, cleaned, middle, thickness):
    """Erase a line in `cleaned`, except where a crossing stroke makes it thicker."""
    height = len(strokes)
    reach = 2 * thickness + 4
    for column, row in enumerate(middle):
        top, bottom = max(0, row - reach), min(height, row + reach + 1)
        run = strokes[top:bottom, column]
        near = np.flatnonzero(
            run & (abs(np.arange(top, bottom) - row) <= thickness + 1)
        )
        if not len(near):
            continue
        gaps = np.flatnonzero(~run)
        above, below = gaps[gaps < near[0]], gaps[gaps > near[0]]
        start = above[-1] + 1 if len(above) else 0
        stop = below[0] if len(below) else len(run)
        if stop - start <= 1.5 * thickness + 2:
            cleaned[top + start : top + stop, column] = False
