"""From the luminance of a picture to a mask of the strokes of the digit."""

import math

import numpy as np

from skmnist.preprocessing._masks import crop, label_components

HIGH_THRESHOLD = 0.6
"""Upper threshold of the hysteresis, relative to the typical contrast of strokes."""

MIN_CONTRAST = 0.04
"""Smallest difference between strokes and paper; between black and white it is 1."""

BACKGROUND_WINDOW = 0.25
"""Side of a square wider than any stroke, relative to the picture's longer side."""

MIN_PAPER_LUMINANCE = 0.2
"""Lower bound of the paper's luminance; dividing by less would amplify the noise."""

MAX_EDGE_CONTACT = 0.3
"""Part of an edge of the picture that a component of a digit touches at most."""


# Strokes ------------------------------------------------------------------------------


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


def is_background_light(luminance):
    """Whether the paper is lighter than the strokes, by two weighted votes."""
    return _majority_vote(luminance) + 0.5 * _narrowness_vote(luminance) > 0


def _majority_vote(luminance):
    """From -1 to 1: how much of the picture, and of its border, is light."""
    from skimage.filters import threshold_otsu

    small = _downscale(luminance, 64)
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

    small = _downscale(luminance, 96)
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


def _downscale(luminance, side):
    """Downscale an image so that its longer side has at most `side` pixels."""
    from PIL import Image
    from PIL.Image import Resampling

    step = math.ceil(max(luminance.shape) / side)
    height, width = (math.ceil(length / step) for length in luminance.shape)
    image = Image.fromarray(luminance.astype(np.float32))
    small = image.resize((width, height), Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def estimate_background(luminance, dark, flatten):
    """Estimate the luminance of the paper at each pixel.

    Parameters
    ----------
    luminance : ndarray of shape (height, width)
    dark : bool
        Whether the strokes are darker than the paper.
    flatten : bool
        Whether the background varies over the picture.

    Returns
    -------
    ndarray of shape (height, width)
    """
    from scipy import ndimage

    if not flatten:
        return np.full_like(luminance, _mode(luminance))
    smooth = ndimage.gaussian_filter(luminance, 1)
    side = round(BACKGROUND_WINDOW * max(luminance.shape))
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


# Ruled lines --------------------------------------------------------------------------


def remove_lines(strokes):
    """Remove lines that cross the picture, but not the strokes that cross them.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool

    Returns
    -------
    ndarray of shape (height, width), bool
    """
    cleaned = _remove_horizontal_lines(_remove_horizontal_lines(strokes).T).T
    rows, columns = np.flatnonzero(cleaned.any(1)), np.flatnonzero(cleaned.any(0))
    if not len(rows):
        return strokes
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    # if almost nothing is left, the line was the digit
    return cleaned if extent > 0.1 * max(strokes.shape) else strokes


def _remove_horizontal_lines(strokes):
    """Remove thin lines from the left edge to the right one."""
    height, width = strokes.shape
    y, x = np.nonzero(strokes)
    ends = max(2, round(0.03 * width))
    cleaned = strokes
    for degrees in np.arange(-4, 4.01, 0.5):
        slope = math.tan(math.radians(degrees))
        shifted = np.round(y - slope * (x - (width - 1) / 2)).astype(int)
        inside = (shifted >= 0) & (shifted < height)

        def fill_ratio(selected, n_columns, shifted=shifted, inside=inside):
            counts = np.bincount(shifted[inside & selected], minlength=height)
            return counts / n_columns

        is_line = (
            (fill_ratio(x >= 0, width) > 0.75)
            & (fill_ratio(x < ends, ends) > 0.3)
            & (fill_ratio(x >= width - ends, ends) > 0.3)
        )
        limits = np.flatnonzero(np.diff(np.r_[False, is_line, False].astype(int)))
        for first, beyond in limits.reshape(-1, 2):
            thickness = beyond - first
            if thickness <= 0.05 * height:
                if cleaned is strokes:
                    cleaned = strokes.copy()
                drift = slope * (np.arange(width) - (width - 1) / 2)
                middle = np.round((first + beyond - 1) / 2 + drift).astype(int)
                _erase_line(strokes, cleaned, middle, thickness)
    return cleaned


def _erase_line(strokes, cleaned, middle, thickness):
    """Erase a line in `cleaned`, except where a crossing stroke makes it thicker."""
    height = len(strokes)
    reach = 2 * thickness + 4
    for column, row in enumerate(middle):
        top, bottom = max(0, row - reach), min(height, row + reach + 1)
        run = strokes[top:bottom, column]
        near = np.flatnonzero(
            run & (abs(np.arange(top, bottom) - row) <= thickness + 1)
        )
        if not len(near):
            continue
        gaps = np.flatnonzero(~run)
        above, below = gaps[gaps < near[0]], gaps[gaps > near[0]]
        start = above[-1] + 1 if len(above) else 0
        stop = below[0] if len(below) else len(run)
        if stop - start <= 1.5 * thickness + 2:
            cleaned[top + start : top + stop, column] = False


# Components of the digit --------------------------------------------------------------


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
