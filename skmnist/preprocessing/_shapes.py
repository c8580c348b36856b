"""Pieces of ink in a picture of several digits."""

from dataclasses import dataclass

import numpy as np

from skmnist.preprocessing._binary_images import crop, label_components


@dataclass(frozen=True, eq=False)
class Shape:
    """Ink in its bounding box.

    Parameters
    ----------
    top, left : int
        Position of the upper left corner in the picture.
    mask : ndarray of shape (height, width), bool
        The ink, cropped.
    """

    top: int
    left: int
    mask: np.ndarray

    @property
    def height(self):
        """Height in pixels."""
        return self.mask.shape[0]

    @property
    def width(self):
        """Width in pixels."""
        return self.mask.shape[1]

    @property
    def box(self):
        """Left, top, right and bottom edge; the last two are exclusive."""
        return (self.left, self.top, self.left + self.width, self.top + self.height)

    @property
    def pen(self):
        """Width of the strokes in pixels: twice the area for each pixel of outline."""
        from scipy.ndimage import binary_erosion

        outline = self.mask & ~binary_erosion(self.mask)
        return 2 * self.mask.sum() / outline.sum()


def shape_of(mask, top=0, left=0):
    """Make a shape of all ink in a part of the picture, which is not blank."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Shape(int(top + rows[0]), int(left + columns[0]), crop(mask))


def unite(shapes):
    """Make one shape of several."""
    boxes = np.array([shape.box for shape in shapes])
    (left, top), (right, bottom) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    mask = np.zeros((bottom - top, right - left), bool)
    for shape in shapes:
        y, x = shape.top - top, shape.left - left
        mask[y : y + shape.height, x : x + shape.width] |= shape.mask
    return Shape(int(top), int(left), mask)


def find_shapes(strokes, min_side, max_shapes):
    """Find the connected components of a mask.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
    min_side : float
        Longer side of the smallest component that is kept, in pixels.
    max_shapes : int
        Number of components that are kept, the largest ones.

    Returns
    -------
    list of Shape
    """
    from scipy.ndimage import find_objects

    labels, _ = label_components(strokes)
    boxes = find_objects(labels)
    sides = np.array([max(s.stop - s.start for s in box) for box in boxes], dtype=int)
    kept = np.flatnonzero(sides >= min_side)
    kept = kept[np.argsort(-sides[kept], kind="stable")[:max_shapes]]
    return [
        Shape(rows.start, columns.start, labels[rows, columns] == number + 1)
        for number in kept
        for rows, columns in [boxes[number]]
    ]


def distance(shape, other):
    """Distance between the ink of two shapes in pixels."""
    from scipy.ndimage import distance_transform_edt

    both = unite([shape, other])
    masks = np.zeros((2, *both.mask.shape), bool)
    for mask, one in zip(masks, (shape, other), strict=True):
        y, x = one.top - both.top, one.left - both.left
        mask[y : y + one.height, x : x + one.width] = one.mask
    return distance_transform_edt(~masks[0])[masks[1]].min()
