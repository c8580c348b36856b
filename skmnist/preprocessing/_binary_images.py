"""Operations on binary masks and images that several steps share."""

import numpy as np


def label_components(mask):
    """Label connected components; pixels that share a corner are connected.

    Returns
    -------
    labels : ndarray of the shape of `mask`, int
        0 for the background, 1 to `n_components` for the components.
    n_components : int
    """
    from scipy import ndimage

    return ndimage.label(mask, structure=np.ones((3, 3)))


def crop(mask):
    """Crop a mask to the bounding box of its True pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def to_uint8(image):
    """Convert an image of bool, or of floats from 0 to 1, to 0 to 255."""
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)
