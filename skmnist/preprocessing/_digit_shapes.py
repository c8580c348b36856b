"""Shapes of single digits among the strokes of a picture."""

import numpy as np

from skmnist.preprocessing._line_removal import find_horizontal_lines, remove_lines
from skmnist.preprocessing._row_detection import typical_height
from skmnist.preprocessing._shapes import distance, find_shapes, shape_of, unite

MAX_SHAPES = 500
"""Number of shapes, the largest ones, in which digits are looked for."""

MIN_SIDE = 10
"""Longer side of the smallest digit, in pixels."""

SMALLEST = 0.3
"""Height of the smallest digit, relative to the typical one."""

MAX_GAP = 0.2
"""Largest distance of the parts of a digit, relative to the typical height."""


def find_digit_shapes(strokes):
    shapes = [
        part
        for shape in find_shapes(strokes, 4, 4 * MAX_SHAPES)
        for part in _open_frame(shape)
    ]
    shapes = _drop_surroundings(shapes, strokes.shape)
    if not shapes:
        return []
    height = typical_height(shapes)
    shapes = [s for s in shapes if s.side > 0.08 * height]
    shapes = _unite_parts(shapes, height)
    digits = [s for s in shapes if s.height >= max(SMALLEST * height, MIN_SIDE)]
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
    if mask.shape[0] < 20 or mask.shape[1] < 20 or min(map(np.mean, strips)) < 0.95:
        return [shape]
    angles = np.arange(-10, 10.1, 0.5)
    for turned in (mask, mask.T):
        height = len(turned)
        middles = [m.mean() for m, _ in find_horizontal_lines(turned, angles)]
        if not middles or min(middles) > 0.2 * height or max(middles) < 0.8 * height:
            return [shape]
    inside = remove_lines(mask, max_tilt=10)
    if inside is mask:
        return []
    found = find_shapes(inside, 4, MAX_SHAPES)
    return [
        type(shape)(shape.top + part.top, shape.left + part.left, part.mask)
        for part in found
    ]


def _drop_surroundings(shapes, size):
    """Drop what touches the edge of the picture, except digits that only reach it."""
    rows, columns = size

    def at_edge(shape):
        left, top, right, bottom = shape.box
        return left == 0 or top == 0 or right == columns or bottom == rows

    inside = [shape for shape in shapes if not at_edge(shape)]
    if not inside:
        return shapes
    height = typical_height(inside)
    return [
        shape
        for shape in shapes
        if not at_edge(shape)
        or (0.6 * height < shape.height < 1.4 * height and shape.width < 1.4 * height)
    ]


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


def _is_part(shape, other, height):
    left, top, right, bottom = shape.box
    other_left, other_top, other_right, other_bottom = other.box
    gap = MAX_GAP * height
    beside = max(left - other_right, other_left - right)
    above = max(top - other_bottom, other_top - bottom)
    if max(beside, above) > gap:
        return False
    shared = min(right, other_right) - max(left, other_left)
    if shared < 0.5 * min(shape.width, other.width):
        return False
    whole = max(bottom, other_bottom) - min(top, other_top)
    return whole < 1.4 * height and distance(shape, other) <= gap
