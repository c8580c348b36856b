"""Scaling and centring of digits as in MNIST."""

import numpy as np

CANVAS_SIZE = 28
"""Height and width of MNIST's images, in pixels."""

DIGIT_SIZE = 20
"""Longer side of the digits in MNIST's images, in pixels."""

WIDE_CANVAS = (CANVAS_SIZE, 48)
"""Height and width of the images of touching digits, in pixels."""

WIDE_SIZE = (DIGIT_SIZE, 44)
"""Largest height and width of touching digits in their images, in pixels."""


def center_in_canvas(image, canvas=(CANVAS_SIZE,) * 2, size=(DIGIT_SIZE,) * 2):
    """Scale an image until it is as high or as wide as allowed, and center its mass.

    Parameters
    ----------
    image : ndarray of shape (height, width), bool or uint8
        Cropped to its bounding box.
    canvas : tuple of two int, default=(28, 28)
        Height and width of the result.
    size : tuple of two int, default=(20, 20)
        Largest height and width of what is drawn in it.

    Returns
    -------
    ndarray of shape `canvas`, uint8
    """
    from PIL import Image
    from PIL.Image import Resampling
    from scipy.ndimage import center_of_mass

    if image.dtype == bool:
        image = np.uint8(255) * image
    factor = min(np.divide(size, image.shape))
    height, width = (max(1, round(length * factor)) for length in image.shape)
    method = Resampling.BOX if factor < 1 else Resampling.BILINEAR
    pixels = np.asarray(Image.fromarray(image).resize((width, height), method))
    top, left = (
        int(np.clip(round((side - 1) / 2 - center), 0, side - length))
        for center, length, side in zip(
            center_of_mass(pixels), pixels.shape, canvas, strict=True
        )
    )
    centered = np.zeros(canvas, np.uint8)
    centered[top : top + height, left : left + width] = pixels
    return centered
