"""People's own pictures of digits, brought into the form of MNIST's."""

import itertools
import math
import numbers
import os
import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_scalar

__all__ = ["DigitPreprocessor"]

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Kinds of files that are read; Pillow's others are rare, or run other programs."""

FRAME = 28
"""Height and width of MNIST's images, in pixels."""

BOX = 20
"""Height or width, whichever is more, of the digits in them, in pixels."""

PILLOWS_LIMIT = 178_956_970
"""Pixels of a picture above which Pillow itself refuses to read it."""

WORKING_SIDES = (256, 512)
"""Bounds of the longer side, in pixels, of the picture that is worked on."""

SMALLEST_CONTRAST = 0.04
"""Difference between ink and paper, of that between black and white, to be found."""

BACKGROUND_SIDE = 0.25
"""Side of the square that strokes are narrower than, as a part of the picture's."""

DARKEST_PAPER = 0.2
"""Luminance below which paper is taken to be no darker, because of noise."""

STRONG = 0.6
"""Part of the ink's usual contrast that others may hang on to."""

STEPS_TO_STROKE_WIDTH = (1, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1)
"""Parts of the way to the desired stroke width, tried one after the other."""


class DigitPreprocessor(TransformerMixin, BaseEstimator):
    """Turn photos, scans and drawings of single digits into rows as MNIST has them.

    A network that has learned from MNIST reads light digits on a dark background, of a
    certain size and stroke width, in the middle of 28x28 pixels. This transformer finds
    the digit in a picture and makes such an image of it, step by step:

    1. The orientation that a camera has noted (EXIF) is applied.
    2. Colours become luminance, transparent parts white.
    3. The background is estimated and subtracted, so that shadows go; whether the ink
       is darker or lighter than the paper is found out from the picture.
    4. What stands out becomes ink. Weak parts count where they hang on to strong ones.
    5. Lines that cross the whole picture, as on ruled paper, are taken away.
    6. So are specks, and what touches the edge, if there is enough ink inside.
    7. Strokes are made thicker or thinner, but no loop is closed by that.
    8. The digit is scaled into 20x20 pixels, keeping its aspect, and put into 28x28
       with its centre of mass in the middle, as MNIST was made [1]_.

    It learns nothing: `fit` only checks the parameters, and may be left out. Needs the
    extra `images`.

    Parameters
    ----------
    polarity : {"auto", "dark", "light"}, default="auto"
        Whether the ink is darker or lighter than the paper; "auto" finds out.
    flatten_background : bool, default=True
        Whether to estimate a background that changes over the picture. False takes
        the background for evenly bright.
    threshold : float, default=0.35
        What counts as ink where it hangs on to strong ink, as a part of the contrast
        of that, in (0, 0.6].
    remove_lines : bool, default=True
        Whether to take lines away that cross the whole picture, within 4 degrees of
        horizontal or vertical.
    speck_size : float, default=0.06
        Separate parts with less than this part of the area of the largest are dropped,
        in [0, 1); 0 keeps all.
    stroke_width : float or None, default=3.0
        Desired width of the strokes, in pixels of the result, above 0 and up to 6; None
        leaves them as they are. MNIST's digits have from 1.5 to 4.
    max_pixels : int, default=100_000_000
        Files with more pixels are refused, before they are unpacked; up to
        178,956,970, which is Pillow's own limit.

    See Also
    --------
    skmnist.displays.StagesDisplay : Draws what each step does to a picture.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.preprocessing import DigitPreprocessor
    >>> picture = np.full((100, 80), 250, dtype=np.uint8)  # white paper
    >>> picture[20:80, 38:42] = 60  # a one
    >>> DigitPreprocessor().transform([picture]).shape
    (1, 784)
    """

    def __init__(
        self,
        *,
        polarity="auto",
        flatten_background=True,
        threshold=0.35,
        remove_lines=True,
        speck_size=0.06,
        stroke_width=3.0,
        max_pixels=100_000_000,
    ):
        self.polarity = polarity
        self.flatten_background = flatten_background
        self.threshold = threshold
        self.remove_lines = remove_lines
        self.speck_size = speck_size
        self.stroke_width = stroke_width
        self.max_pixels = max_pixels

    def fit(self, X=None, y=None):
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : object, default=None
            Not used.
        y : object, default=None
            Not used.

        Returns
        -------
        DigitPreprocessor
            The transformer itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter cannot be used.
        """
        self._check_parameters()
        return self

    def transform(self, X):
        """Turn pictures into rows of pixels as MNIST has them.

        Parameters
        ----------
        X : sequence of pictures
            Each a path, an open binary file, a `PIL.Image`, or an array of any size:
            (height, width), (height, width, channels) or (channels, height, width)
            with grey, grey and alpha, RGB or RGBA; they may be mixed. Arrays hold bool,
            integers from 0 to 255 (or, in a picture that goes beyond that, to 65535),
            or floats from 0 to 1 or 0 to 255.

        Returns
        -------
        ndarray of shape (n, 784), uint8
            Light ink, up to 255, on 0. A row of 0 where nothing was found.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError, TypeError
            If X is no sequence of pictures, or one of them cannot be read; the message
            says which.
        ImportError
            If what the extra `images` brings is not installed.

        Warns
        -----
        UserWarning
            For a picture in which nothing is found, or several digits, or whose ink
            touches the edge or is very small.
        """
        self._check_parameters()
        rows = []
        for number, picture in enumerate(_as_list(X)):
            stages, reasons = self._find_digit(picture, _name_of(picture, number))
            for reason in reasons:
                name = _name_of(picture, number)
                warnings.warn(f"{name}: {reason}", UserWarning, stacklevel=2)
            rows.append(stages["result"].ravel())
        return np.array(rows, dtype=np.uint8).reshape(len(rows), FRAME * FRAME)

    def explain(self, picture):
        """Show what becomes of one picture, step by step.

        Parameters
        ----------
        picture : path, file, PIL.Image or array
            As in `transform`, but a single one.

        Returns
        -------
        dict of ndarray, uint8
            Images by the name of the stage, in order: `picture` (height, width, 3),
            and as (height, width) `luminance`, `background`, `contrast`, `ink`,
            `digit`, `strokes` and `result`, (28, 28). Where nothing is found, those
            after `contrast` are 0.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError, ImportError
            As in `transform`.
        """
        self._check_parameters()
        return self._find_digit(picture, _name_of(picture, None))[0]

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: pixel0 to pixel783, row by row.

        Parameters
        ----------
        input_features : object, default=None
            Not used.

        Returns
        -------
        ndarray of shape (784,), object
        """
        return np.array([f"pixel{i}" for i in range(FRAME * FRAME)], dtype=object)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    def _check_parameters(self):
        if self.polarity not in ("auto", "dark", "light"):
            raise ValueError(
                f"Got polarity={self.polarity!r}, expected 'auto', 'dark' or 'light'."
            )
        for name in ("flatten_background", "remove_lines"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise TypeError(
                    f"Got {name}={getattr(self, name)!r}, expected True or False."
                )
        number = {"target_type": numbers.Real, "min_val": 0}
        check_scalar(
            self.threshold,
            "threshold",
            **number,
            max_val=STRONG,
            include_boundaries="right",
        )
        check_scalar(
            self.speck_size,
            "speck_size",
            **number,
            max_val=1,
            include_boundaries="left",
        )
        if self.stroke_width is not None:
            check_scalar(
                self.stroke_width,
                "stroke_width",
                **number,
                max_val=6,
                include_boundaries="right",
            )
        check_scalar(
            self.max_pixels,
            "max_pixels",
            numbers.Integral,
            min_val=1,
            max_val=PILLOWS_LIMIT,
        )

    def _find_digit(self, picture, name):
        """All stages of one picture, and the reasons to doubt the result."""
        _check_extra()
        shown, luminance, enlarged = _read(picture, name, self.max_pixels)
        dark = self._is_ink_dark(luminance)
        background = _estimate_background(luminance, dark, self.flatten_background)
        if dark:  # ink absorbs a part of the light that there is
            contrast = 1 - luminance / np.maximum(background, DARKEST_PAPER)
        else:
            contrast = luminance - background
        ink = _find_ink(contrast, self.threshold)
        stages = {
            "picture": shown,
            "luminance": _as_bytes(luminance),
            "background": _as_bytes(background),
            "contrast": _as_bytes(contrast),
            "ink": _as_bytes(ink),
        }
        if ink.any() and self.remove_lines:
            ink = _remove_lines(ink)
        if not ink.any():
            nothing = np.zeros(luminance.shape, np.uint8)
            result = np.zeros((FRAME, FRAME), np.uint8)
            stages |= {"digit": nothing, "strokes": nothing, "result": result}
            return stages, [
                "nothing was found that stands out from the background; the row is 0. "
                "Pass a picture of one digit, dark on light or light on dark."
            ]
        digit = _drop_specks(ink, self.speck_size)
        reasons = _reasons_for_doubt(digit, enlarged)
        strokes = _crop(digit)
        if self.stroke_width is not None:
            strokes = _set_stroke_width(strokes, self.stroke_width)
        stages["digit"] = _as_bytes(digit)
        stages["strokes"] = _as_bytes(np.pad(strokes, 2))
        stages["result"] = _put_into_frame(strokes)
        return stages, reasons

    def _is_ink_dark(self, luminance):
        if self.polarity != "auto":
            return self.polarity == "dark"
        return _is_background_light(luminance)


# Reading -----------------------------------------------------------------------------


def _check_extra():
    """Raise ImportError if what works on the images is not installed."""
    try:
        import PIL  # noqa: F401
        import skimage  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "DigitPreprocessor needs the packages pillow and scikit-image. Install "
            "them: pip install pillow scikit-image."
        ) from error


def _as_list(X):
    """The pictures of X as a list; TypeError if X is none, or a single one."""
    if hasattr(X, "to_numpy"):  # a data frame, or one of its columns
        X = X.to_numpy()
    single = isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "convert")
    if single or not hasattr(X, "__iter__") or hasattr(X, "read"):
        raise TypeError(
            f"Got X as a {type(X).__name__}, expected a list of pictures. Pass [X], if "
            "it is one."
        )
    return list(X)


def _name_of(picture, number):
    """What the user knows a picture by."""
    if isinstance(picture, np.ndarray) and picture.size == 1:
        picture = picture.item()
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    return "the picture" if number is None else f"picture {number}"


def _read(picture, name, max_pixels):
    """Read one picture.

    Returns
    -------
    shown : ndarray of shape (height, width, 3), uint8
    luminance : ndarray of shape (height, width), float64, in [0, 1]
        Scaled to a size that is good to work on.
    enlarged : float
        By how much it is larger than the picture.
    """
    if isinstance(picture, np.ndarray) and picture.size == 1:
        picture = picture.item()  # a path, out of an array of them
    if isinstance(picture, (str, os.PathLike)) or hasattr(picture, "read"):
        image, original = _open(picture, name, max_pixels)
    elif hasattr(picture, "convert"):
        image = picture
        original = max(image.size)
    else:
        image = _from_array(picture, name)
        original = max(image.size)
    if min(image.size) < 1:
        raise ValueError(f"Got {name} of size {image.size}, which has no pixels.")
    rgb = _over_white(image)
    shown = np.asarray(rgb)
    grey = rgb.convert("L")
    side, (least, most) = max(grey.size), WORKING_SIDES
    factor = most / side if side > most else math.ceil(least / side)
    if factor != 1:
        from PIL.Image import Resampling

        size = [max(1, round(length * factor)) for length in grey.size]
        method = Resampling.HAMMING if factor < 1 else Resampling.BICUBIC
        # in floating point: eight bits would make steps of soft shadows
        grey = grey.convert("F").resize(size, method)
    luminance = np.clip(np.asarray(grey, dtype=np.float64) / 255, 0, 1)
    return shown, luminance, max(luminance.shape) / original


def _open(file, name, max_pixels):
    """Read a file, scaled down where it is far larger than needed.

    Returns
    -------
    image : PIL.Image
    original : int
        Its longer side before that, in pixels.
    """
    from PIL import Image, ImageOps

    if isinstance(file, (str, os.PathLike)) and not os.path.exists(file):
        raise FileNotFoundError(f"Got {name}, but there is no such file.")
    Image.init()  # some of its builds lack some formats
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about what it mends by itself
            with Image.open(file, formats=formats) as image:
                if math.prod(image.size) > max_pixels:
                    raise Image.DecompressionBombError(
                        f"it has {math.prod(image.size):,} pixels"
                    )
                original = max(image.size)
                most = 2 * WORKING_SIDES[1]
                image.draft(None, (most, most))  # JPEGs can be read smaller
                image.load()
                if max(image.size) > most and image.mode in ("L", "RGB", "RGBA"):
                    image.thumbnail((most, most))
                return ImageOps.exif_transpose(image), original
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"Got {name}, which is too large to unpack: {error}; at most "
            f"{max_pixels:,} are read. Make it smaller, or raise max_pixels."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"Got {name}, which is no picture that can be read; expected a file of "
            f"one of the kinds {', '.join(formats)}. Convert it into one."
        ) from error
    except Exception as error:  # decoders raise anything on damaged files
        if isinstance(error, (IsADirectoryError, PermissionError)):
            raise
        raise ValueError(
            f"Got {name}, which is damaged, or no picture: {error}. Copy it again, or "
            "open and save it with another program."
        ) from error


def _from_array(values, name):
    """Turn an array into an image, with its values on the scale from 0 to 255."""
    from PIL import Image

    try:
        values = np.asarray(values)
    except Exception as error:  # of whatever it is
        raise TypeError(
            f"Got {name} as a {type(values).__name__}, expected a path, a file, an "
            "image or an array."
        ) from error
    if values.dtype.kind not in "buif":
        raise TypeError(
            f"Got {name} as an array of type {values.dtype}, expected a path, a file, "
            "an image or an array of numbers."
        )
    if values.ndim == 3 and values.shape[2] > 4 and values.shape[0] <= 4:
        values = np.moveaxis(values, 0, 2)  # channels first, as torch has them
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] > 4):
        hint = ""
        if values.ndim == 1 and math.isqrt(values.size) ** 2 == values.size:
            side = math.isqrt(values.size)
            hint = f" Rows of pixels are no pictures: X.reshape(-1, {side}, {side})."
        raise ValueError(
            f"Got {name} of shape {values.shape}, expected (height, width), or that "
            f"with 1 to 4 channels.{hint}"
        )
    if values.size == 0:
        raise ValueError(f"Got {name} of shape {values.shape}, which has no pixels.")
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError(
            f"Got {name} with values below 0, infinite or NaN; expected brightness "
            "from 0 to 1, 255 or 65535."
        )
    largest, values = values.max(), values.astype(np.float64)
    if largest > 65535:
        raise ValueError(
            f"Got {name} with values up to {largest}, expected at most 65535."
        )
    if largest <= 1:  # bool and floats; a picture of 0 and 1 in any type
        values *= 255
    elif largest > 255:
        values *= 255 / 65535
    modes = {2: "L", (3, 2): "LA", (3, 3): "RGB", (3, 4): "RGBA"}
    mode = modes[2 if values.ndim == 2 else (3, values.shape[2])]
    return Image.fromarray(values.round().astype(np.uint8), mode=mode)


def _over_white(image):
    """An image as RGB, with what is transparent white (or black behind white ink)."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 bits and more
        return _from_array(np.asarray(image), "the picture").convert("RGB")
    if image.mode not in ("RGBA", "LA", "PA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    for paper in ("white", "black"):
        over = Image.new("RGBA", image.size, paper)
        over.alpha_composite(image)
        over = over.convert("RGB")
        if any(low != high for low, high in over.getextrema()):
            break
    return over


# From luminance to ink ---------------------------------------------------------------


def _is_background_light(luminance):
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


def _estimate_background(luminance, dark, flatten):
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
    return fill(smooth, size=(side, side))


def _mode(luminance):
    """The most frequent brightness."""
    counts, edges = np.histogram(luminance, bins=32, range=(0, 1))
    most = counts.argmax()
    within = (luminance >= edges[most]) & (luminance <= edges[most + 1])
    return np.median(luminance[within])


def _find_ink(contrast, threshold):
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


def _remove_lines(ink):
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


def _drop_specks(ink, speck_size):
    """Keep the digit: large parts, and not those at the edge if there are others."""
    labels, n_parts = _label(ink)
    if n_parts == 1:
        return ink
    areas = np.bincount(labels.ravel(), minlength=n_parts + 1)
    areas[0] = 0
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    at_edge = np.isin(np.arange(n_parts + 1), edge)
    largest_inside = areas[~at_edge].max(initial=0)
    if largest_inside >= 0.1 * areas.max():
        areas[at_edge] = 0
    return np.isin(labels, np.flatnonzero(areas > speck_size * areas.max()))


def _reasons_for_doubt(digit, enlarged):
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
    side = max(_crop(digit).shape) / enlarged
    if side < BOX / 2:
        reasons.append(
            f"the digit is only {side:.0f} pixels large. Take a picture with at least "
            f"{BOX}."
        )
    return reasons


def _crop(mask):
    """A mask without what is empty around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _set_stroke_width(digit, stroke_width):
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
            return _crop(moved)
    return _crop(distance <= 0.7 * shift) if shift > 0 else digit


def _count_holes(mask, least):
    """Holes of at least some area, in pixels."""
    from scipy import ndimage

    labels, _ = ndimage.label(~np.pad(mask, 1))
    return int((np.bincount(labels.ravel())[1:] >= least).sum()) - 1


def _put_into_frame(mask):
    """Scale into the box, and put the centre of mass into the middle of the frame."""
    from PIL import Image
    from PIL.Image import Resampling
    from scipy.ndimage import center_of_mass

    factor = BOX / max(mask.shape)
    height, width = (max(1, round(length * factor)) for length in mask.shape)
    method = Resampling.BOX if factor < 1 else Resampling.BILINEAR
    image = Image.fromarray(_as_bytes(mask)).resize((width, height), method)
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


def _shrink(values, side):
    """Make the longer side of an image at most so many pixels long."""
    step = math.ceil(max(values.shape) / side)
    return _resize(values, [math.ceil(length / step) for length in values.shape])


def _resize(values, shape, nearest=False):
    from PIL import Image
    from PIL.Image import Resampling

    if values.shape == tuple(shape):
        return values
    image = Image.fromarray(
        values if nearest and values.dtype == bool else values.astype(np.float32)
    )
    if nearest:
        method = Resampling.NEAREST
    else:
        method = (
            Resampling.BOX if max(shape) < max(values.shape) else Resampling.BILINEAR
        )
    resized = np.asarray(image.resize((shape[1], shape[0]), method))
    return resized if resized.dtype == bool else resized.astype(np.float64)


def _as_bytes(image):
    """An image of bool or of floats from 0 to 1 as one of bytes."""
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)
