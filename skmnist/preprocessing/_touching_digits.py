"""Cutting of digits that touch, and joining of parts that belong to one digit."""

import itertools
from typing import NamedTuple

import numpy as np
from scipy.special import log_expit, logit, softmax

from skmnist.preprocessing._binary_images import label_components
from skmnist.preprocessing._shapes import Shape, distance, shape_of, unite

N_CUTS = 14
"""Number of places in which a shape is cut, evenly distributed over its width."""

SIDE_STEP = 0.002
"""Cost of a step to the side of a cut, relative to that of a pixel of ink."""

MIN_AREA = 0.12
"""Smallest area of a part that is cut off, relative to the shape."""

MIN_HEIGHT = 0.55
"""Smallest height of a part that is cut off, relative to the shape."""

SPLINTER = 0.2
"""Largest area of a splinter of a cut, relative to the largest part of its side."""

SURE = -0.06
"""Score of a digit from which no cuts are tried; half of the single ones have more."""

MARGIN = 0.5
"""Least gain of the score by a cut through a shape of usual width."""

NARROW = 0.6
"""Width relative to the height up to which a shape is one digit if it is certain."""

CERTAIN = 0.9
"""Probability from which a narrow shape is a digit without further tries."""

PAIR_THRESHOLD = 0.97
"""Probability of two digits from which a shape is cut, according to a pair classifier.

On generated pictures of held-out training digits, 2 of 10,496 single digits and 14 of
1,481 pairs were on the wrong side.
"""

LIMITS = 1e-6, 1 - 1e-6
"""Range of probabilities; more extreme ones mean as much."""

CUT_WEIGHT = 0.4
"""Weight of the digits that are read in both parts of a cut, beside the pair's.

On generated pictures of held-out training digits, weights from 0.2 to 0.7 were about as
good.
"""

MAX_PAIR_WIDTH = 2.2
"""Largest width of two digits, relative to their height."""

USUAL_WIDTH = 0.9
"""Largest usual width of a digit, relative to its height.

Of MNIST's digits, 5 % are wider than 1.25 and 1 % are wider than 1.43.
"""

USUAL_HEIGHT = 0.85
"""Smallest usual height of a digit, relative to a digit that it touches."""

INTERCEPT, WEIGHTS = -1.35, (0.58, -1.62, -26.0)
"""Log-odds that a shape is a digit, given those of its best label, and its shape.

Coefficients of a logistic regression on generated pictures of training digits, for the
log-odds of the best label and the squares of what exceeds the usual width and height.
"""

MAX_GAP = 0.2
"""Largest distance of parts of one digit, relative to its height."""


class Digit(NamedTuple):
    """A shape that is taken for a digit, with what the classifier says about it."""

    shape: Shape
    probabilities: np.ndarray
    """Of each class, shape (n_classes,)."""


def separate(rows, judge, read_pair=None):
    """Cut digits that touch and join parts of digits, as classifiers judge.

    Parameters
    ----------
    rows : list of list of Shape
    judge : callable
        Takes a list of shapes and returns the probabilities of the classes, of shape
        (n_shapes, n_classes).
    read_pair : callable, default=None
        Takes a shape and returns the probabilities of each left and right digit, of
        shape (n_classes, n_classes), and that there are two.

    Returns
    -------
    list of list of Digit
    """
    shapes = [shape for row in rows for shape in row]
    digits = map(Digit, shapes, judge(shapes))
    separated = []
    for row in rows:
        height = np.median([shape.height for shape in row])
        row_digits = _join_parts(itertools.islice(digits, len(row)), height, judge)
        separated.append(
            [part for digit in row_digits for part in _cut(digit, judge, read_pair)]
        )
    return separated


def _score(digit, height=0):
    """Logarithm of the probability that a shape is a digit.

    Parameters
    ----------
    digit : Digit
    height : int, default=0
        Height of the shape from which it was cut.

    Returns
    -------
    float
    """
    shape = digit.shape
    features = (
        logit(np.clip(digit.probabilities.max(), *LIMITS)),
        max(0.0, shape.width / shape.height - USUAL_WIDTH) ** 2,
        max(0.0, USUAL_HEIGHT - shape.height / max(shape.height, height)) ** 2,
    )
    return log_expit(INTERCEPT + np.dot(WEIGHTS, features))


def _join_parts(row, height, judge):
    """Join neighbours of which one is no digit by itself."""
    joined = []
    for digit in row:
        if joined:
            last = joined[-1]
            both = unite([last.shape, digit.shape])
            if (
                min(last.probabilities.max(), digit.probabilities.max()) < CERTAIN
                and both.height < 1.3 * height
                and both.width < 1.2 * height
                and distance(last.shape, digit.shape) < MAX_GAP * height
            ):
                together = Digit(both, judge([both])[0])
                if _score(together) > _score(last) + _score(digit):
                    joined[-1] = together
                    continue
        joined.append(digit)
    return joined


def _cut(digit, judge, read_pair):
    """Cut a shape into two where these are more probable than the shape as a digit."""
    shape = digit.shape
    if shape.width < NARROW * shape.height and digit.probabilities.max() > CERTAIN:
        return [digit]
    if read_pair is not None and shape.width <= MAX_PAIR_WIDTH * shape.height:
        pair, probability_of_two = read_pair(shape)
        if probability_of_two < PAIR_THRESHOLD:
            return [digit]
        return _cut_pair(shape, pair, judge)
    score = _score(digit)
    if score >= SURE:
        return [digit]
    cuts = _judge_cuts(find_cuts(shape), judge)
    if not cuts:
        return [digit]
    scores = [sum(_score(part, shape.height) for part in parts) for parts in cuts]
    best = int(np.argmax(scores))
    margin = MARGIN if shape.width < USUAL_WIDTH * shape.height else 0.0
    if scores[best] < score + margin:
        return [digit]
    return [part for half in cuts[best] for part in _cut(half, judge, read_pair)]


def _cut_pair(shape, pair, judge):
    """Cut a shape into two digits, which the classifier reads in the parts, too.

    Parameters
    ----------
    shape : Shape
    pair : ndarray of shape (n_classes, n_classes)
        Probability of each left and right digit, given that there are two.
    judge : callable

    Returns
    -------
    list of two Digit
        Their probabilities are those of the pair and of the parts together.
    """
    cuts = _judge_cuts(list(find_cuts(shape)) or [_halve(shape)], judge)
    probabilities = np.array([[part.probabilities for part in cut] for cut in cuts])
    left, right = np.log(probabilities.clip(*LIMITS)).swapaxes(0, 1)
    of_cuts = left[:, :, None] + right[:, None, :]  # (n_cuts, n_classes, n_classes)
    log_pair = np.log(pair.clip(*LIMITS)) + CUT_WEIGHT * of_cuts.max(axis=0)
    pair = softmax(log_pair)
    digits = pair.sum(axis=1), pair.sum(axis=0)
    labels = [digit.argmax() for digit in digits]
    best = cuts[of_cuts[:, *labels].argmax()]
    return [Digit(part.shape, p) for part, p in zip(best, digits, strict=True)]


def _judge_cuts(cuts, judge):
    """Return the parts of each cut as `Digit`."""
    cuts = list(cuts)
    if not cuts:
        return []
    parts = [part for pair in cuts for part in pair]
    digits = list(map(Digit, parts, judge(parts)))
    return list(zip(digits[::2], digits[1::2], strict=True))


def _halve(shape):
    """Cut a shape straight through the middle."""
    middle = shape.width // 2
    return (
        shape_of(shape.mask[:, :middle], shape.top, shape.left),
        shape_of(shape.mask[:, middle:], shape.top, shape.left + middle),
    )


def find_cuts(shape):
    """Cut a shape from top to bottom in several places, through as little ink.

    Parameters
    ----------
    shape : Shape

    Yields
    ------
    left, right : Shape
        Both are almost as high as the shape.
    """
    mask = np.pad(shape.mask, ((0, 0), (1, 1)))
    height, width = mask.shape
    cost = np.where(mask, 1.0, SIDE_STEP)
    above, below = _accumulate(cost), _accumulate(cost[::-1])[::-1]
    middle = height // 2
    through = (above + below - cost)[middle]
    places = np.linspace(0.08 * width, 0.92 * width, N_CUTS + 1).astype(int)
    seen = set()
    for first, beyond in itertools.pairwise(np.unique(places)):
        column = first + int(through[first:beyond].argmin())
        up = _trace(above[: middle + 1], column)
        down = _trace(below[middle:][::-1], column)
        path = np.r_[up[::-1], down[1:]]
        is_left = np.arange(width) < path[:, None]
        parts = _tidy(mask & is_left, mask & ~is_left)
        key = parts[0].tobytes()
        if key not in seen and _are_large(parts):
            seen.add(key)
            yield tuple(shape_of(part, shape.top, shape.left - 1) for part in parts)


def _are_large(parts):
    """Whether both parts of a shape are large enough for digits."""
    areas = [part.sum() for part in parts]
    if min(areas) <= MIN_AREA * sum(areas):
        return False
    heights = [np.ptp(np.flatnonzero(part.any(1))) + 1 for part in parts]
    return min(heights) > MIN_HEIGHT * len(parts[0])


def _accumulate(cost):
    """Smallest cost of a path from the first row to each pixel."""
    total = cost.copy()
    for row in range(1, len(cost)):
        last = np.pad(total[row - 1], 1, constant_values=np.inf)
        diagonal = np.minimum(last[:-2], last[2:]) + SIDE_STEP
        total[row] += np.minimum(last[1:-1], diagonal)
    return total


def _trace(total, column):
    """Columns of the cheapest path from a pixel of the last row up to the first one."""
    path = [column]
    for row in total[-2::-1]:
        first = max(0, column - 1)
        near = row[first : column + 2] + SIDE_STEP
        near[column - first] -= SIDE_STEP
        column = first + int(near.argmin())
        path.append(column)
    return np.array(path)


def _tidy(left, right):
    """Give splinters of one part that touch the other one to that one."""
    parts = [left, right]
    for index in (0, 1):
        one, other = parts[index], parts[1 - index]
        labels, n_components = label_components(one)
        if n_components > 1:
            areas = np.bincount(labels.ravel())[1:]
            small = np.isin(labels, 1 + np.flatnonzero(areas < SPLINTER * areas.max()))
            labels, _ = label_components(small | other)
            moved = small & np.isin(labels, np.unique(labels[other]))
            parts[index], parts[1 - index] = one & ~moved, other | moved
    return parts
