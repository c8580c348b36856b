"""Shapes of single digits among the strokes of a picture."""

import numpy as np

from skmnist.preprocessing._line_removal import find_horizontal_lines, remove_lines
from skmnist.preprocessing._row_detection import typical_height
from skmnist.preprocessing._shapes import Shape, distance, find_shapes, unite

MAX_SHAPES = 500
"""Number of shapes, the largest ones, in which digits are looked for."""

SHORTEST_EDGE = 0.75
"""Length of the shortest edge of a frame, relative to what is connected with it."""

SMALLEST_PART = 4
"""Longer side of the smallest part of a digit, in pixels."""

MIN_SIDE = 10
"""Longer side of the smallest digit, in pixels."""

SMALLEST = 0.3
"""Height of the smallest digit, relative to the typical one."""

MAX_GAP = 0.2
"""Largest distance of the parts of a digit, relative to the typical height."""

MAX_BAR_HEIGHT = 0.4
"""Height of the bar of a five at most, relative to the typical height of digits."""

MAX_BAR_GAP = 0.3
"""Largest distance of a bar from the digit to which it belongs, relative to it."""

BAR_POSITION = 0.3
"""Lowest position of the middle of a bar, relative to the height of the digit."""


MAX_CONTACT = 0.5
"""Part of the height of a digit at most that is on the left or the right edge."""


def find_digit_shapes(strokes, speck_size):
    """Find the shapes that may be digits, or several digits that touch.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
        Without lines from edge to edge.
    speck_size : float
        Smallest area of a part of a digit, relative to a typical digit.

    Returns
    -------
    list of Shape
        At most `MAX_SHAPES`.
    """
    shapes = [
        part
        for shape in find_shapes(strokes, SMALLEST_PART, 2 * MAX_SHAPES)
        for part in _open_frame(shape)
    ]
    shapes = _drop_surroundings(shapes, strokes.shape)
    if not shapes:
        return []
    height = typical_height(shapes)
    areas = [s.mask.sum() for s in shapes if s.height > SMALLEST * height]
    min_area = speck_size * np.median(areas)
    shapes = [s for s in shapes if s.mask.sum() >= min_area]
    shapes = _unite_parts(shapes, height)
    digits = [shape for shape in shapes if shape.height >= MAX_BAR_HEIGHT * height]
    for bar in (shape for shape in shapes if shape.height < MAX_BAR_HEIGHT * height):
        if not _add_bar(digits, bar, height):
            digits.append(bar)
    digits = [s for s in digits if s.height >= max(SMALLEST * height, MIN_SIDE)]
    return sorted(digits, key=lambda shape: -shape.height)[:MAX_SHAPES]


def _open_frame(shape):
    """Remove a printed frame or grid from the digits that touch it."""
    mask = shape.mask
    margins = [max(2, round(0.2 * side)) for side in mask.shape]
    strips = (
        mask[: margins[0]].any(0),
        mask[-margins[0] :].any(0),
        mask[:, : margins[1]].any(1),
        mask[:, -margins[1] :].any(1),
    )
    if (
        mask.shape[0] < 20
        or mask.shape[1] < 20
        or min(map(np.mean, strips)) < SHORTEST_EDGE
    ):
        return [shape]
    angles = np.arange(-10, 10.1, 0.5)
    for turned in (mask, mask.T):
        height = len(turned)
        middles = [
            m.mean()
            for m, _ in find_horizontal_lines(turned, angles, SHORTEST_EDGE, n_ends=0)
        ]
        if not middles or min(middles) > 0.2 * height or max(middles) < 0.8 * height:
            return [shape]
    inside = remove_lines(mask, max_tilt=10, shortest=SHORTEST_EDGE, n_ends=0)
    if inside is mask:  # nothing else is left
        return []
    return [
        Shape(shape.top + part.top, shape.left + part.left, part.mask)
        for part in find_shapes(inside, SMALLEST_PART, MAX_SHAPES)
    ]


def _drop_surroundings(shapes, size):
    """Drop what touches the edge of the picture, except digits that only reach it."""
    rows, columns = size

    def count_edges(shape):
        left, top, right, bottom = shape.box
        return (left == 0) + (top == 0) + (right == columns) + (bottom == rows)

    inside = [shape for shape in shapes if not count_edges(shape)]
    if not inside:
        return shapes
    height = typical_height(inside)
    pen = np.median([shape.pen for shape in inside if shape.height > SMALLEST * height])

    def measure_contact(shape):
        left, _, right, _ = shape.box
        sides = [(left == 0, shape.mask[:, 0]), (right == columns, shape.mask[:, -1])]
        return max((side.mean() for at_edge, side in sides if at_edge), default=0)

    def is_digit(shape):
        return (
            count_edges(shape) == 1  # not a corner
            and 0.6 * height < shape.height < 1.4 * height
            and shape.width < 1.4 * height
            and shape.pen < 2 * pen
            and measure_contact(shape) <= MAX_CONTACT  # not a finger
        )

    return [shape for shape in shapes if not count_edges(shape) or is_digit(shape)]


def _unite_parts(shapes, height):
    """Unite the parts of broken digits."""
    shapes = sorted(shapes, key=lambda shape: -shape.height)
    united = []
    for shape in shapes:
        for index, other in enumerate(united):
            if shape.height < 0.75 * height and _is_part(shape, other, height):
                united[index] = unite([other, shape])
                break
        else:
            united.append(shape)
    return united


def _add_bar(digits, bar, height):
    """Unite a small shape with a digit whose upper part it is near, if there is one.

    Such is the bar of a five; dots, commas and dashes are lower.

    Returns
    -------
    bool
        Whether it is a part of one of the digits, which is replaced.
    """
    gaps = [
        distance(bar, digit)
        if _gap(bar, digit) <= MAX_BAR_GAP * height
        and bar.top + bar.height / 2 < digit.top + BAR_POSITION * digit.height
        else np.inf
        for digit in digits
    ]
    if min(gaps, default=np.inf) > MAX_BAR_GAP * height:
        return False
    nearest = int(np.argmin(gaps))
    digits[nearest] = unite([digits[nearest], bar])
    return True


def _gap(shape, other):
    """Distance between the boxes of two shapes along the axis where it is larger."""
    left, top, right, bottom = shape.box
    other_left, other_top, other_right, other_bottom = other.box
    return max(
        *(left - other_right, other_left - right),
        *(top - other_bottom, other_top - bottom),
    )


def _is_part(shape, other, height):
    """Whether two shapes lie above each other, close enough for parts of one digit."""
    left, top, right, bottom = shape.box
    other_left, other_top, other_right, other_bottom = other.box
    shared = min(right, other_right) - max(left, other_left)
    whole = max(bottom, other_bottom) - min(top, other_top)
    return (
        _gap(shape, other) <= MAX_GAP * height
        and shared >= 0.5 * min(shape.width, other.width)
        and whole < 1.4 * height
        and distance(shape, other) <= MAX_GAP * height
    )
