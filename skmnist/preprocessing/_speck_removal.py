"""Removal of specks, frames and what touches the edge."""

import math

import numpy as np

from skmnist.preprocessing._binary_images import label_components

MAX_EDGE_CONTACT = 0.3
"""Part of an edge of the picture that a component of a digit touches at most."""


def drop_specks(strokes, speck_size):
    """Keep the components that belong to the digit.

    Removes small components, frames around the digit, and components that touch the
    edge of the picture if there are others.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
    speck_size : float
        Smallest area of a component, relative to the largest one.

    Returns
    -------
    ndarray of shape (height, width), bool
    """
    from scipy.ndimage import find_objects

    labels, n_components = label_components(strokes)
    if n_components == 1:
        return strokes
    areas = np.bincount(labels.ravel(), minlength=n_components + 1)[1:]
    boxes = find_objects(labels)
    extents = np.array([max(s.stop - s.start for s in box) for box in boxes])
    sizeable = extents > 0.1 * max(strokes.shape)
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    contact = np.max(
        [np.bincount(e, minlength=n_components + 1)[1:] / len(e) for e in edges], axis=0
    )
    # a table beside the paper, or a frame around the digit, of any size
    is_surrounding = (contact > MAX_EDGE_CONTACT) | [
        _is_frame(box, area, strokes.shape)
        for box, area in zip(boxes, areas, strict=True)
    ]
    if (sizeable & ~is_surrounding).any():
        areas[is_surrounding] = 0
    largest_inside = areas[contact == 0].max(initial=0)
    if largest_inside >= 0.1 * areas.max():
        areas[contact > 0] = 0
    return np.isin(labels, 1 + np.flatnonzero(areas > speck_size * areas.max()))


def _is_frame(box, area, shape):
    """Whether a component is as wide and high as the picture, and mostly hollow."""
    sides = [part.stop - part.start for part in box]
    wide = all(side > 0.8 * whole for side, whole in zip(sides, shape, strict=True))
    return wide and area < 0.15 * math.prod(sides)
