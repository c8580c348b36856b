"""From the luminance of a picture to the digit in it, in the form of MNIST's."""

import itertools
import math

import numpy as np

FRAME = 28
"""Height and width of MNIST's images, in pixels."""

BOX = 20
"""Height or width, whichever is more, of the digits in them, in pixels."""

SMALLEST_CONTRAST = 0.04
"""Difference between ink and paper, of that between black and white, to be found."""

BACKGROUND_SIDE = 0.25
"""Side of the square that strokes are narrower than, as a part of the picture's."""

DARKEST_PAPER = 0.2
"""Luminance below which paper is taken to be no darker, because of noise."""

STRONG = 0.6
"""Part of the ink's usual contrast that others may hang on to."""

LONG_AT_EDGE = 0.3
"""Part of an edge of the picture that no digit touches."""

STEPS_TO_STROKE_WIDTH = (1, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1)
"""Parts of the way to the desired stroke width, tried one after the other."""


# From luminance to ink ---------------------------------------------------------------


def is_background_light(luminance):
    """Whether the paper is lighter than the ink: two signs, weighed."""
    return _vote_of_majority(luminance) + 0.5 * _vote_of_narrowness(luminance) > 0


def _vote_of_majority(luminance):
    """From -1 to 1: how much of the picture, and of its edge, is light."""
    from scipy.ndimage import median_filter
    from skimage.filters import threshold_otsu

    small = _shrink(luminance, 64)
    # the median follows the edge of a shadow, and passes over strokes
    rest = small - median_filter(small, size=33, mode="reflect")
    if np.ptp(rest) < SMALLEST_CONTRAST:
        return 0.0
    light = rest > threshold_otsu(rest)
    edge = np.ones_like(light)
    edge[2:-2, 2:-2] = False
    return light.mean() + light[edge].mean() - 1


def _vote_of_narrowness(luminance):
    """From -1 to 1: how much more of what is narrow is dark than is light."""
    from scipy.ndimage import grey_closing, grey_opening

    small = _shrink(luminance, 96)
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


def estimate_background(luminance, dark, flatten):
    """Estimate the luminance of the paper at each pixel.

    Returns
    -------
    ndarray of shape (height, width)
    """
    from scipy import ndimage

    if not flatten:
        return np.full_like(luminance, _mode(luminance))
    smooth = ndimage.gaussian_filter(luminance, 1)
    side = round(BACKGROUND_SIDE * max(luminance.shape))
    # strokes are narrower than this square, shadows are wider
    fill = ndimage.grey_closing if dark else ndimage.grey_opening
    # so that light that changes evenly goes on beyond the edge
    wider = np.pad(smooth, side, mode="reflect", reflect_type="odd")
    return fill(wider, size=(side, side))[side:-side, side:-side]


def _mode(luminance):
    """The most frequent brightness."""
    counts, edges = np.histogram(luminance, bins=32, range=(0, 1))
    most = counts.argmax()
    within = (luminance >= edges[most]) & (luminance <= edges[most + 1])
    return np.median(luminance[within])


def find_ink(contrast, threshold):
    """Pixels that stand out, and those that hang on to them."""
    from skimage.filters import apply_hysteresis_threshold, threshold_otsu

    if np.ptp(contrast) == 0:
        return np.zeros(contrast.shape, bool)
    middle = threshold_otsu(contrast)
    paper, rest = contrast[contrast <= middle], contrast[contrast > middle]
    typical = np.median(paper)
    noise = 1.4826 * np.median(abs(paper - typical))
    level = np.percentile(rest, 75) - typical
    if level < max(SMALLEST_CONTRAST, 4 * noise):
        return np.zeros(contrast.shape, bool)
    low = max(threshold * level, 3 * noise)
    high = max(STRONG * level, low)
    return apply_hysteresis_threshold(contrast - typical, low, high)


def is_sheet(ink):
    """Whether the ink is a sheet of paper: wider than strokes, and fills its box."""
    from scipy.ndimage import distance_transform_edt

    widest = 2 * distance_transform_edt(ink).max()
    return widest > BACKGROUND_SIDE * max(ink.shape) and crop(ink).mean() > 0.8


def remove_lines(ink):
    """Take lines away that cross the picture, but leave what crosses them."""
    cleaned = _remove_level_lines(_remove_level_lines(ink).T).T
    rows, columns = np.flatnonzero(cleaned.any(1)), np.flatnonzero(cleaned.any(0))
    if not len(rows):
        return ink
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    # where next to nothing is left, the line was the digit
    return cleaned if extent > 0.1 * max(ink.shape) else ink


def _remove_level_lines(ink):
    """Take away thin lines from the left edge to the right one."""
    height, width = ink.shape
    y, x = np.nonzero(ink)
    ends = max(2, round(0.03 * width))
    cleaned = ink
    for degrees in np.arange(-4, 4.01, 0.5):
        slope = math.tan(math.radians(degrees))
        shifted = np.round(y - slope * (x - (width - 1) / 2)).astype(int)
        inside = (shifted >= 0) & (shifted < height)

        def part_filled(chosen, n_columns, shifted=shifted, inside=inside):
            return np.bincount(shifted[inside & chosen], minlength=height) / n_columns

        is_line = (
            (part_filled(x >= 0, width) > 0.75)
            & (part_filled(x < ends, ends) > 0.3)
            & (part_filled(x >= width - ends, ends) > 0.3)
        )
        edges = np.flatnonzero(np.diff(np.r_[False, is_line, False].astype(int)))
        for first, beyond in edges.reshape(-1, 2):
            thickness = beyond - first
            if thickness <= 0.05 * height:
                if cleaned is ink:
                    cleaned = ink.copy()
                drift = slope * (np.arange(width) - (width - 1) / 2)
                middle = np.round((first + beyond - 1) / 2 + drift).astype(int)
                _erase_line(ink, cleaned, middle, thickness)
    return cleaned


def _erase_line(ink, cleaned, middle, thickness):
    """Erase a line, but not where a stroke crosses it and makes it thicker."""
    height = len(ink)
    reach = 2 * thickness + 4
    for column, row in enumerate(middle):
        top, bottom = max(0, row - reach), min(height, row + reach + 1)
        run = ink[top:bottom, column]
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


# From ink to the digit ---------------------------------------------------------------


def _label(mask):
    """Number the parts of a mask that hang together, also across corners."""
    from scipy import ndimage

    return ndimage.label(mask, structure=np.ones((3, 3)))


def drop_specks(ink, speck_size):
    """Keep the digit: large parts, without what is at the edge or all around it."""
    from scipy.ndimage import find_objects

    labels, n_parts = _label(ink)
    if n_parts == 1:
        return ink
    areas = np.bincount(labels.ravel(), minlength=n_parts + 1)[1:]
    boxes = find_objects(labels)
    extents = np.array([max(s.stop - s.start for s in box) for box in boxes])
    sizeable = extents > 0.1 * max(ink.shape)
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    touched = np.max(
        [np.bincount(e, minlength=n_parts + 1)[1:] / len(e) for e in edges], axis=0
    )
    # a table beside the paper, or a frame around the digit, however large
    no_ink = (touched > LONG_AT_EDGE) | [
        _is_frame(box, area, ink.shape) for box, area in zip(boxes, areas, strict=True)
    ]
    if (sizeable & ~no_ink).any():
        areas[no_ink] = 0
    largest_inside = areas[touched == 0].max(initial=0)
    if largest_inside >= 0.1 * areas.max():
        areas[touched > 0] = 0
    return np.isin(labels, 1 + np.flatnonzero(areas > speck_size * areas.max()))


def _is_frame(box, area, shape):
    """Whether a part with this bounding box and area is thin and goes all around."""
    sides = [part.stop - part.start for part in box]
    wide = all(side > 0.8 * whole for side, whole in zip(sides, shape, strict=True))
    return wide and area < 0.15 * math.prod(sides)


def reasons_for_doubt(digit, enlarged):
    """What a user should know of a picture, in words."""
    reasons = []
    labels, n_parts = _label(digit)
    spans = []
    areas = np.bincount(labels.ravel())[1:]
    for part in range(1, n_parts + 1):
        columns = np.flatnonzero((labels == part).any(0))
        if areas[part - 1] > 0.25 * areas.max():
            spans.append((columns[0], columns[-1]))
    spans.sort()
    if any(first[1] < second[0] for first, second in itertools.pairwise(spans)):
        reasons.append(
            f"{len(spans)} separate parts side by side, perhaps several digits, taken "
            "for one. Pass one digit a picture."
        )
    edges = digit[0].any(), digit[-1].any(), digit[:, 0].any(), digit[:, -1].any()
    if any(edges):
        reasons.append(
            "the ink touches the edge, so that a part may be missing, or is no ink. "
            "Leave some paper around the digit."
        )
    side = max(crop(digit).shape) / enlarged
    if side < BOX / 2:
        reasons.append(
            f"the digit is only {side:.0f} pixels large. Take a picture with at least "
            f"{BOX}."
        )
    return reasons


def crop(mask):
    """A mask without what is empty around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def set_stroke_width(digit, stroke_width):
    """Move the outline so that the strokes get a width, in pixels of the result."""
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    side = max(digit.shape)
    padded = np.pad(digit, 1)
    inside = distance_transform_edt(padded)
    found = 2 * np.median(inside[skeletonize(padded)])
    # the digit grows with its strokes, and is scaled down the more
    part = stroke_width / BOX
    shift = (part * side - found) / (2 * (1 - part))
    if abs(2 * shift) < 0.1 * found:
        return digit
    padded = np.pad(digit, math.ceil(abs(shift)) + 2)
    distance = distance_transform_edt(~padded) - distance_transform_edt(padded)
    least = max(1.0, 0.5 * (side / BOX) ** 2)  # smaller holes are none
    n_holes, (_, n_parts) = _count_holes(padded, least), _label(padded)
    for step in STEPS_TO_STROKE_WIDTH:
        moved = distance <= step * shift
        if not moved.any() or _label(moved)[1] > n_parts:
            continue
        holes = _count_holes(moved, least)
        if holes == n_holes or (shift > 0 and holes > n_holes):
            return crop(moved)
    return crop(distance <= 0.7 * shift) if shift > 0 else digit


def _count_holes(mask, least):
    """Holes of at least some area, in pixels."""
    from scipy import ndimage

    labels, _ = ndimage.label(~np.pad(mask, 1))
    return int((np.bincount(labels.ravel())[1:] >= least).sum()) - 1


def put_into_frame(mask):
    """Scale into the box, and put the centre of mass into the middle of the frame."""
    from PIL import Image
    from PIL.Image import Resampling
    from scipy.ndimage import center_of_mass

    factor = BOX / max(mask.shape)
    height, width = (max(1, round(length * factor)) for length in mask.shape)
    method = Resampling.BOX if factor < 1 else Resampling.BILINEAR
    image = Image.fromarray(as_bytes(mask)).resize((width, height), method)
    pixels = np.asarray(image)
    middle = (FRAME - 1) / 2
    top, left = (
        int(np.clip(round(middle - centre), 0, FRAME - length))
        for centre, length in zip(center_of_mass(pixels), pixels.shape, strict=True)
    )
    frame = np.zeros((FRAME, FRAME), np.uint8)
    frame[top : top + height, left : left + width] = pixels
    return frame


# Sizes -------------------------------------------------------------------------------


def _shrink(luminance, side):
    """Make the longer side of an image at most so many pixels long."""
    from PIL import Image
    from PIL.Image import Resampling

    step = math.ceil(max(luminance.shape) / side)
    height, width = (math.ceil(length / step) for length in luminance.shape)
    image = Image.fromarray(luminance.astype(np.float32))
    small = image.resize((width, height), Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def as_bytes(image):
    """An image of bool or of floats from 0 to 1 as one of bytes."""
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)
