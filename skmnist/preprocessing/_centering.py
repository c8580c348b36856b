"""Scaling and centring of a digit as in MNIST."""

import numpy as np

from skmnist.preprocessing._binary_images import to_uint8

CANVAS_SIZE = 28
"""Height and width of MNIST's images, in pixels."""


DIGIT_SIZE = 20
"""Longer side of the digits in MNIST's images, in pixels."""


def center_in_canvas(mask):
    """Scale a digit to `DIGIT_SIZE` and center its mass in the canvas.

    Parameters
    ----------
    mask : ndarray of shape (height, width), bool
        Cropped to its bounding box.

    Returns
    -------
    ndarray of shape (28, 28), uint8
    """
    from PIL import Image
    from PIL.Image import Resampling
    from scipy.ndimage import center_of_mass

    factor = DIGIT_SIZE / max(mask.shape)
    height, width = (max(1, round(length * factor)) for length in mask.shape)
    method = Resampling.BOX if factor < 1 else Resampling.BILINEAR
    image = Image.fromarray(to_uint8(mask)).resize((width, height), method)
    pixels = np.asarray(image)
    middle = (CANVAS_SIZE - 1) / 2
    top, left = (
        int(np.clip(round(middle - center), 0, CANVAS_SIZE - length))
        for center, length in zip(center_of_mass(pixels), pixels.shape, strict=True)
    )
    canvas = np.zeros((CANVAS_SIZE, CANVAS_SIZE), np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas
