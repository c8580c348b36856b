"""Images in any layout, as matplotlib draws them."""

import numpy as np
from sklearn.utils import check_array

from skmnist.classifiers._input_validation import (
    PIXEL_DTYPES,
    as_images,
    as_rows,
    resolve_image_shape,
)


def to_displayable(X, image_shape):
    """Images in any layout as what imshow takes, (n, height, width) or (..., 3).

    Where there are other than three channels, the first one.
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
