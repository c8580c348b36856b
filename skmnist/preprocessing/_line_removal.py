"""Removal of lines that cross the picture, as on ruled paper."""

import math

import numpy as np

FAINT = 0.75
"""Contrast of a line relative to that of the ink up to which it is told from it."""


def remove_lines(
    strokes, contrast=None, *, max_tilt=4.0, step=0.5, shortest=1.0, n_ends=2
):
    """Remove lines that cross the picture, but not the strokes that cross them.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
    contrast : ndarray of shape (height, width), default=None
        Difference from the paper. With it, lines that are fainter than the ink are
        found although they are not a part of `strokes` as a whole, and strokes are kept
        that run along such a line.
    max_tilt : float, default=4.0
        Largest angle of the lines with an edge of the picture, in degrees.
    step : float, default=0.5
        Difference of the angles that are tried, in degrees.
    shortest : float, default=1.0
        Length of the shortest line, relative to the side of the picture. Below 1, lines
        may cross a corner.
    n_ends : int, default=2
        Number of ends of a line that are at an edge at least.

    Returns
    -------
    ndarray of shape (height, width), bool
    """
    angles = np.arange(-max_tilt, max_tilt + step / 2, step)
    cleaned = _remove_horizontal_lines(strokes, contrast, angles, shortest, n_ends)
    turned = None if contrast is None else contrast.T
    cleaned = _remove_horizontal_lines(cleaned.T, turned, angles, shortest, n_ends).T
    rows, columns = np.flatnonzero(cleaned.any(1)), np.flatnonzero(cleaned.any(0))
    if not len(rows):
        return strokes
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    # if almost nothing is left, the line was the digit
    return cleaned if extent > 0.1 * max(strokes.shape) else strokes


def _remove_horizontal_lines(strokes, contrast, angles, shortest, n_ends):
    """Remove thin lines from the left edge to the right one."""
    visible, ink = strokes, None
    if contrast is not None and strokes.any():
        low, ink = np.percentile(contrast[strokes], [2, 90])
        visible = contrast > low / 2
    cleaned = strokes
    for middle, thickness in find_horizontal_lines(visible, angles, shortest, n_ends):
        if cleaned is strokes:
            cleaned = strokes.copy()
        _erase_line(strokes, cleaned, middle, thickness, contrast, ink)
    return cleaned


def find_horizontal_lines(strokes, angles, shortest=1.0, n_ends=2):
    """Find thin lines from one edge of the picture to another one.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
    angles : iterable of float
        Angles to the horizontal, in degrees.
    shortest : float, default=1.0
        Length of the shortest line, relative to the width. Below 1, lines may cross a
        corner.
    n_ends : int, default=2
        Number of ends of a line that are at an edge at least.

    Yields
    ------
    middle : ndarray of shape (width,), int
        Row of the middle of the line in each column; outside of the picture if the line
        crosses a corner.
    thickness : int
        In pixels.
    """
    height, width = strokes.shape
    y, x = np.nonzero(strokes)
    x_middle = (width - 1) / 2
    ends = max(2, round(0.03 * width))
    columns = np.arange(width) - x_middle
    for degrees in angles:
        slope = math.tan(math.radians(degrees))
        drift = slope * columns
        outside = math.ceil(drift.max()) if shortest < 1 else 0
        # row of the line through a pixel in the middle of the picture
        shifted = np.round(y - slope * (x - x_middle)).astype(int) + outside
        n_rows = height + 2 * outside
        inside = (shifted >= 0) & (shifted < n_rows)

        def count(selected, shifted=shifted, inside=inside, n_rows=n_rows):
            return np.bincount(shifted[inside & selected], minlength=n_rows)

        rows = np.arange(n_rows) - outside
        # columns in which a line enters and leaves the picture
        entry, leave = np.full(n_rows, 0.0), np.full(n_rows, width - 1.0)
        if shortest < 1 and slope:
            crossings = [-rows / slope, (height - 1 - rows) / slope]
            entry, leave = (np.sort(crossings, axis=0) + x_middle).clip(0, width - 1)
        lengths = leave - entry + 1
        is_line = count(True) > 0.75 * np.maximum(lengths, shortest * width)
        if not is_line.any():
            continue
        line = shifted.clip(0, n_rows - 1)
        at_entry = count(x < entry[line] + ends) > 0.3 * ends
        at_exit = count(x > leave[line] - ends) > 0.3 * ends
        is_line &= at_entry.astype(int) + at_exit >= n_ends
        limits = np.flatnonzero(np.diff(np.r_[False, is_line, False].astype(int)))
        for first, beyond in limits.reshape(-1, 2):
            thickness = beyond - first
            if thickness <= 0.05 * height:
                middle = (first + beyond - 1) / 2 - outside + drift
                yield np.round(middle).astype(int), thickness


def _erase_line(strokes, cleaned, middle, thickness, contrast, ink):
    """Erase a line in `cleaned`, except where a crossing stroke makes it thicker."""
    height, width = strokes.shape
    reach = 2 * thickness + 4
    offsets = np.arange(-reach, reach + 1)[:, None]
    rows, columns = middle + offsets, np.arange(width)
    inside = (rows >= 0) & (rows < height)
    rows = rows.clip(0, height - 1)
    run = strokes[rows, columns] & inside
    near = run & (abs(offsets) <= thickness + 1)
    level = None
    if contrast is not None:
        level = np.median(contrast[rows[reach], columns][inside[reach]])
    if level is not None and level < FAINT * ink:
        erased = near & (contrast[rows, columns] < (level + ink) / 2)
    else:
        # number the runs of strokes in each column
        number = np.cumsum(run & ~np.roll(run, 1, axis=0), axis=0)
        number = number * width + columns
        sizes = np.bincount(number[run], minlength=number.max() + 1)
        is_near = np.zeros(len(sizes), bool)
        is_near[number[near]] = True
        erased = run & (is_near & (sizes <= 1.5 * thickness + 2))[number]
    cleaned[rows[erased], np.broadcast_to(columns, rows.shape)[erased]] = False
