"""Cutting of digits that touch, and joining of parts that belong to one digit."""

import numpy as np

from skmnist.preprocessing._binary_images import label_components
from skmnist.preprocessing._shapes import distance, shape_of, unite

N_CUTS = 14
"""Number of cuts through a shape that are tried."""

SMALLEST_PART = 0.12
"""Smallest area of a part that is cut off, relative to the shape."""

CERTAIN = 0.9
"""Probability from which a shape is a digit without further tries."""

WIDE = 0.8
"""Width relative to the height from which a shape may be two digits."""

PENALTY = 0.5
"""Logarithm of how much more probable the digits must be than what they replace."""

MAX_GAP = 0.2
"""Largest distance of parts of one digit, relative to its height."""


def separate(rows, judge):
    """Cut digits that touch and join parts of digits, as a classifier judges.

    Parameters
    ----------
    rows : list of list of Shape
    judge : callable
        Takes a list of shapes and returns the probability of each one's best label.

    Returns
    -------
    list of list of Shape
    """
    probabilities = iter(judge([shape for row in rows for shape in row]))
    separated = []
    for row in rows:
        height = np.median([shape.height for shape in row])
        known = [(shape, next(probabilities)) for shape in row]
        known = _join(known, height, judge)
        parts = [part for pair in known for part in _cut(*pair, height, judge)]
        separated.append(parts)
    return separated


def _join(row, height, judge):
    """Join neighbours of which one is no digit by itself."""
    joined = []
    for shape, probability in row:
        if joined:
            last, before = joined[-1]
            both = unite([last, shape])
            if (
                min(probability, before) < CERTAIN
                and both.height < 1.3 * height
                and both.width < 1.2 * height
                and distance(last, shape) < MAX_GAP * height
            ):
                (together,) = judge([both])
                if together > np.exp(-PENALTY) * max(probability * before, 0.5):
                    joined[-1] = both, together
                    continue
        joined.append((shape, probability))
    return joined


def _cut(shape, probability, height, judge):
    """Cut a shape where that yields two or more digits."""
    if shape.width < WIDE * shape.height and probability > CERTAIN:
        return [shape]
    if shape.width < 0.25 * height:
        return [shape]
    cuts = [parts for parts in find_cuts(shape)]
    if not cuts:
        return [shape]
    judged = judge([part for parts in cuts for part in parts]).reshape(-1, 2)
    best = judged.prod(axis=1).argmax()
    if judged[best].prod() * np.exp(-PENALTY) <= probability:
        return [shape]
    return list(cuts[best])


def find_cuts(shape):
    """Cut a shape from top to bottom in several places, through as little ink.

    Parameters
    ----------
    shape : Shape

    Yields
    ------
    left, right : Shape
    """
    mask = np.pad(shape.mask, ((0, 0), (1, 1)))
    height, width = mask.shape
    cost = np.where(mask, 1.0, 0.01)
    above, below = _accumulate(cost), _accumulate(cost[::-1])[::-1]
    middle = height // 2
    through = (above + below - cost)[middle]
    edges = np.unique(np.linspace(0.08 * width, 0.92 * width, N_CUTS + 1).astype(int))
    seen = set()
    for first, beyond in zip(edges[:-1], edges[1:], strict=True):
        column = first + int(through[first:beyond].argmin())
        up = _trace(above, middle, column)
        down = _trace(below[::-1], height - 1 - middle, column)
        path = np.r_[up[::-1], down[1:]]
        if path.tobytes() in seen:
            continue
        seen.add(path.tobytes())
        is_left = np.arange(width) < path[:, None]
        left, right = _tidy(mask & is_left, mask & ~is_left)
        smallest = SMALLEST_PART * mask.sum()
        if min(left.sum(), right.sum()) > smallest:
            yield tuple(
                shape_of(part, shape.top, shape.left - 1) for part in (left, right)
            )


def _accumulate(cost):
    """Smallest cost of a path from the first row to each pixel."""
    total = cost.copy()
    for row in range(1, len(cost)):
        last = np.pad(total[row - 1], 1, constant_values=np.inf)
        diagonal = np.minimum(last[:-2], last[2:]) + 0.002
        total[row] += np.minimum(last[1:-1], diagonal)
    return total


def _trace(total, row, column):
    """Columns of the cheapest path from a pixel back to the first row."""
    path = [column]
    for above in range(row - 1, -1, -1):
        first = max(0, column - 1)
        near = total[above, first : column + 2].copy()
        near[np.arange(first, first + len(near)) != column] += 0.002
        column = first + int(near.argmin())
        path.append(column)
    return np.array(path)


def _tidy(left, right):
    """Give splinters of one part that lie at the other one to that one."""
    parts = [left, right]
    for index in (0, 1):
        labels, n_components = label_components(parts[index])
        if n_components > 1:
            areas = np.bincount(labels.ravel())[1:]
            splinters = np.isin(labels, 1 + np.flatnonzero(areas < 0.2 * areas.max()))
            both, _ = label_components(splinters | parts[1 - index])
            largest = np.bincount(both[parts[1 - index]]).argmax() if parts[1 - index].any() else 0
            moved = splinters & (both == largest)
            parts = [part.copy() for part in parts]
            parts[index] &= ~moved
            parts[1 - index] |= moved
    return parts
