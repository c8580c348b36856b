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


FAINTEST = 0.4
"""Contrast of the faintest strokes of a picture, relative to the typical contrast."""


PRESSURE_WINDOW = 1 / 64
"""Side of a square in which a stroke is equally dark, relative to the longer side."""


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
        background, contrast = subtract_background(luminance, dark, flatten_background)
        return background, contrast, segment_strokes(contrast, threshold)

    if polarity != "auto":
        return segment_with(dark=polarity == "dark")
    dark = is_background_light(luminance)
    result = segment_with(dark)
    if is_sheet_of_paper(result[-1]):  # the table around it was taken for the paper
        result = segment_with(not dark)
    return result


def subtract_background(luminance, dark, flatten, window=BACKGROUND_WINDOW):
    """Estimate the luminance of the paper and the difference from it.

    Parameters
    ----------
    luminance : ndarray of shape (height, width), float64, in [0, 1]
    dark : bool
        Whether the strokes are darker than the paper.
    flatten : bool
        Whether the background varies over the picture.
    window : float, default=0.25
        Side of a square wider than any stroke, relative to the picture's longer side.

    Returns
    -------
    background : ndarray of shape (height, width), float64
        Luminance of the paper.
    contrast : ndarray of shape (height, width), float64
        Difference from the paper, positive for strokes.
    """
    background = estimate_background(luminance, dark, flatten, window)
    if dark:  # ink absorbs a fraction of the light
        return background, 1 - luminance / np.maximum(background, MIN_PAPER_LUMINANCE)
    return background, luminance - background


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
    from skimage.filters import apply_hysteresis_threshold

    paper_level, noise, level = measure_ink(contrast)
    if level == 0:
        return np.zeros(contrast.shape, bool)
    low = max(threshold * level, 3 * noise)
    high = max(HIGH_THRESHOLD * level, low)
    return apply_hysteresis_threshold(contrast - paper_level, low, high)


def measure_ink(contrast):
    """Measure the typical contrast of paper and of strokes.

    Parameters
    ----------
    contrast : ndarray of shape (height, width)

    Returns
    -------
    paper_level : float
        Median of the paper.
    noise : float
        Standard deviation of the paper.
    level : float
        Contrast of the strokes, relative to the paper; 0 if nothing stands out from
        the noise.
    """
    from skimage.filters import threshold_otsu

    paper_level, noise, strokes = contrast.flat[0], 0.0, contrast
    # where there is little ink, the first threshold divides the paper
    for _ in range(2):
        if np.ptp(strokes) == 0:
            break
        otsu = threshold_otsu(strokes)
        paper, strokes = contrast[contrast <= otsu], contrast[contrast > otsu]
        paper_level = np.median(paper)
        noise = 1.4826 * np.median(abs(paper - paper_level))
        level = np.percentile(strokes, 75) - paper_level
        if level >= max(MIN_CONTRAST, 4 * noise):
            return paper_level, noise, level
    return paper_level, noise, 0.0


def segment_each_stroke(contrast, threshold):
    """Find strokes that differ in contrast, as those of several pens in uneven light.

    Parameters
    ----------
    contrast : ndarray of shape (height, width)
    threshold : float
        Smallest contrast, relative to that of the strokes around.

    Returns
    -------
    ndarray of shape (height, width), bool
        All False where nothing stands out from the noise.
    """
    from scipy import ndimage
    from skimage.filters import apply_hysteresis_threshold

    smooth = ndimage.gaussian_filter(contrast, 1)
    paper_level, noise, level = measure_ink(smooth)
    if level == 0:
        return np.zeros(contrast.shape, bool)
    smooth -= paper_level
    low = max(FAINTEST * threshold * level, 3 * noise)
    strokes = apply_hysteresis_threshold(smooth, low, max(FAINTEST * level, low))
    # the pressure of a pen changes along a stroke
    side = round(PRESSURE_WINDOW * max(contrast.shape))
    levels = ndimage.maximum_filter(np.where(strokes, smooth, 0), side)
    return strokes & (smooth > threshold * np.minimum(levels, level))


def is_sheet_of_paper(strokes):
    """Whether a mask is wider than strokes are and fills its bounding box."""
    from scipy.ndimage import distance_transform_edt

    widest = 2 * distance_transform_edt(strokes).max()
    max_width = BACKGROUND_WINDOW * max(strokes.shape)
    return widest > max_width and crop(strokes).mean() > 0.8
