"""From the luminance of a picture to a mask of its strokes."""

import numpy as np

from skmnist.preprocessing._background import (
    BACKGROUND_WINDOW,
    MIN_CONTRAST,
    estimate_background,
    is_background_light,
)
from skmnist.preprocessing._binary_images import crop

HIGH_THRESHOLD = 0.6
"""Upper threshold of the hysteresis, relative to the typical contrast of strokes."""


MIN_PAPER_LUMINANCE = 0.2
"""Lower bound of the paper's luminance; dividing by less would amplify the noise."""


def segment(luminance, *, polarity, flatten_background, threshold):
    """Separate strokes from paper.

    Parameters
    ----------
    luminance : ndarray of shape (height, width), float64, in [0, 1]
    polarity : {"auto", "dark", "light"}
        Whether the strokes are darker or lighter than the paper.
    flatten_background : bool
        Whether the background varies over the picture.
    threshold : float
        Lower threshold of the hysteresis, relative to the typical contrast of strokes.

    Returns
    -------
    background : ndarray of shape (height, width), float64
        Luminance of the paper.
    contrast : ndarray of shape (height, width), float64
        Difference from the paper, positive for strokes.
    strokes : ndarray of shape (height, width), bool
    """

    def segment_with(dark):
        background = estimate_background(luminance, dark, flatten_background)
        if dark:  # ink absorbs a fraction of the light
            contrast = 1 - luminance / np.maximum(background, MIN_PAPER_LUMINANCE)
        else:
            contrast = luminance - background
        return background, contrast, segment_strokes(contrast, threshold)

    if polarity != "auto":
        return segment_with(dark=polarity == "dark")
    dark = is_background_light(luminance)
    result = segment_with(dark)
    if is_sheet_of_paper(result[-1]):  # the table around it was taken for the paper
        result = segment_with(not dark)
    return result


def segment_strokes(contrast, threshold):
    """Find strokes by Otsu's threshold and hysteresis.

    Parameters
    ----------
    contrast : ndarray of shape (height, width)
    threshold : float
        Lower threshold, relative to the typical contrast of strokes.

    Returns
    -------
    ndarray of shape (height, width), bool
        All False where nothing stands out from the noise.
    """
    from skimage.filters import apply_hysteresis_threshold, threshold_otsu

    if np.ptp(contrast) == 0:
        return np.zeros(contrast.shape, bool)
    otsu = threshold_otsu(contrast)
    paper, strokes = contrast[contrast <= otsu], contrast[contrast > otsu]
    paper_level = np.median(paper)
    noise = 1.4826 * np.median(abs(paper - paper_level))
    level = np.percentile(strokes, 75) - paper_level
    if level < max(MIN_CONTRAST, 4 * noise):
        return np.zeros(contrast.shape, bool)
    low = max(threshold * level, 3 * noise)
    high = max(HIGH_THRESHOLD * level, low)
    return apply_hysteresis_threshold(contrast - paper_level, low, high)


def is_sheet_of_paper(strokes):
    """Whether a mask is wider than strokes are and fills its bounding box."""
    from scipy.ndimage import distance_transform_edt

    widest = 2 * distance_transform_edt(strokes).max()
    max_width = BACKGROUND_WINDOW * max(strokes.shape)
    return widest > max_width and crop(strokes).mean() > 0.8
