"""Images in the layout of matplotlib."""

import numpy as np
from sklearn.utils import check_array

from skmnist.classifiers._input_validation import (
    PIXEL_DTYPES,
    as_images,
    as_rows,
    resolve_image_shape,
)


def to_displayable(X, image_shape):
    """Convert images of any layout to the one of imshow.

    Parameters
    ----------
    X : array-like
        Images in any layout that an image classifier accepts; pixels may be NaN.
    image_shape : tuple of three int, or None
        Channels, height and width. If None, take it from `X`.

    Returns
    -------
    ndarray of shape (n, height, width) or (n, height, width, 3)
        All channels if there are three of them, otherwise the first one.
    """
    rows, layout = as_rows(X)
    rows = check_array(
        rows,
        dtype=PIXEL_DTYPES,
        order="C",
        ensure_all_finite=False,
        ensure_min_samples=0,
    )
    if image_shape is None:
        image_shape = resolve_image_shape(rows.shape[1], layout, None)
    images = as_images(rows, image_shape).numpy()
    return np.moveaxis(images, 1, -1) if images.shape[1] == 3 else images[:, 0]
