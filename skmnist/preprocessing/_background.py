"""Luminance of the paper, and whether the strokes are darker or lighter."""

import math

import numpy as np

MIN_CONTRAST = 0.04
"""Smallest difference between strokes and paper; between black and white it is 1."""


BACKGROUND_WINDOW = 0.25
"""Side of a square wider than any stroke, relative to the picture's longer side."""


def is_background_light(luminance):
    """Whether the paper is lighter than the strokes, by two weighted votes."""
    return _majority_vote(luminance) + 0.5 * _narrowness_vote(luminance) > 0


def _majority_vote(luminance):
    """From -1 to 1: how much of the picture, and of its border, is light."""
    from skimage.filters import threshold_otsu

    small = downscale(luminance, 64)
    # the median follows the edge of a shadow but ignores strokes
    difference = small - _median_filter(small, radius=16)
    if np.ptp(difference) < MIN_CONTRAST:
        return 0.0
    light = difference > threshold_otsu(difference)
    border = np.ones_like(light)
    border[2:-2, 2:-2] = False
    return light.mean() + light[border].mean() - 1


def _median_filter(image, radius):
    """Apply a square median filter to an image that may be much smaller than it."""
    from scipy.ndimage import median_filter

    # SciPy 1.17 reads beyond the image where it is several times smaller than the
    # filter; padding it here is the same as the mode "reflect"
    padding = [(radius, radius) if side < radius else (0, 0) for side in image.shape]
    padded = np.pad(image, padding, mode="symmetric")
    filtered = median_filter(padded, size=2 * radius + 1, mode="reflect")
    (top, _), (left, _) = padding
    height, width = image.shape
    return filtered[top : top + height, left : left + width]


def _narrowness_vote(luminance):
    """From -1 to 1: how much more of the narrow structures is dark than light."""
    from scipy.ndimage import grey_closing, grey_opening

    small = downscale(luminance, 96)
    narrow = [
        (grey_closing(small, square) - small, small - grey_opening(small, square))
        for square in ((3, 3), (5, 5), (9, 9), (15, 15), (25, 25))
    ]
    strong = 0.4 * max(np.percentile(part, 99.5) for pair in narrow for part in pair)
    for dark, light in narrow:
        if max((dark > strong).mean(), (light > strong).mean()) > 0.01:
            dark, light = (part[part > strong].sum() for part in (dark, light))
            return (dark - light) / (dark + light)
    return 0.0


def downscale(luminance, side):
    """Downscale an image so that its longer side has at most `side` pixels."""
    from PIL import Image
    from PIL.Image import Resampling

    step = math.ceil(max(luminance.shape) / side)
    height, width = (math.ceil(length / step) for length in luminance.shape)
    image = Image.fromarray(luminance.astype(np.float32))
    small = image.resize((width, height), Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def estimate_background(luminance, dark, flatten, window=BACKGROUND_WINDOW):
    """Estimate the luminance of the paper at each pixel.

    Parameters
    ----------
    luminance : ndarray of shape (height, width)
    dark : bool
        Whether the strokes are darker than the paper.
    flatten : bool
        Whether the background varies over the picture.
    window : float, default=0.25
        Side of a square wider than any stroke, relative to the picture's longer side.

    Returns
    -------
    ndarray of shape (height, width)
    """
    from scipy import ndimage

    if not flatten:
        return np.full_like(luminance, _mode(luminance))
    smooth = ndimage.gaussian_filter(luminance, 1)
    side = round(window * max(luminance.shape))
    # strokes are narrower than this square, shadows are wider
    fill = ndimage.grey_closing if dark else ndimage.grey_opening
    # odd reflection continues a gradient beyond the edge
    padded = np.pad(smooth, side, mode="reflect", reflect_type="odd")
    return fill(padded, size=(side, side))[side:-side, side:-side]


def _mode(luminance):
    """Compute the most frequent luminance."""
    counts, edges = np.histogram(luminance, bins=32, range=(0, 1))
    most = counts.argmax()
    within = (luminance >= edges[most]) & (luminance <= edges[most + 1])
    return np.median(luminance[within])
