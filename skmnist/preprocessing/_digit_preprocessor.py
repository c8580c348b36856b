"""People's own pictures of digits, brought into the form of MNIST's."""

import numbers
import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_scalar

from skmnist.preprocessing._image_reading import (
    as_list,
    check_extra,
    name_of,
    read_luminance,
)
from skmnist.preprocessing._segmentation import (
    DARKEST_PAPER,
    FRAME,
    STRONG,
    as_bytes,
    crop,
    drop_specks,
    estimate_background,
    find_ink,
    is_background_light,
    is_sheet,
    put_into_frame,
    reasons_for_doubt,
    remove_lines,
    set_stroke_width,
)

__all__ = ["DigitPreprocessor"]

PILLOWS_LIMIT = 178_956_970
"""Pixels of a picture above which Pillow itself refuses to read it."""


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
    skmnist.displays.PreprocessingDisplay : Draws what each step does to a picture.

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
        for number, picture in enumerate(as_list(X)):
            stages, reasons = self._find_digit(picture, name_of(picture, number))
            for reason in reasons:
                name = name_of(picture, number)
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
        return self._find_digit(picture, name_of(picture, None))[0]

    def get_feature_names_out(self, input_features=None):
        """Get the names of the columns, pixel0 to pixel783, row by row.

        Parameters
        ----------
        input_features : object, default=None
            Not used.

        Returns
        -------
        ndarray of shape (784,), object
            One name for each pixel.
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
        check_extra()
        shown, luminance, enlarged = read_luminance(picture, name, self.max_pixels)
        if self.polarity == "auto":
            dark = is_background_light(luminance)
            background, contrast, ink = self._find_ink(luminance, dark)
            if is_sheet(ink):  # on a table that was taken for the paper
                background, contrast, ink = self._find_ink(luminance, not dark)
        else:
            dark = self.polarity == "dark"
            background, contrast, ink = self._find_ink(luminance, dark)
        stages = {
            "picture": shown,
            "luminance": as_bytes(luminance),
            "background": as_bytes(background),
            "contrast": as_bytes(contrast),
            "ink": as_bytes(ink),
        }
        if ink.any() and self.remove_lines:
            ink = remove_lines(ink)
        if not ink.any():
            nothing = np.zeros(luminance.shape, np.uint8)
            result = np.zeros((FRAME, FRAME), np.uint8)
            stages |= {"digit": nothing, "strokes": nothing, "result": result}
            return stages, [
                "nothing was found that stands out from the background; the row is 0. "
                "Pass a picture of one digit, dark on light or light on dark."
            ]
        digit = drop_specks(ink, self.speck_size)
        reasons = reasons_for_doubt(digit, enlarged)
        strokes = crop(digit)
        if self.stroke_width is not None:
            strokes = set_stroke_width(strokes, self.stroke_width)
        stages["digit"] = as_bytes(digit)
        stages["strokes"] = as_bytes(np.pad(strokes, 2))
        stages["result"] = put_into_frame(strokes)
        return stages, reasons

    def _find_ink(self, luminance, dark):
        """Background, contrast and ink, if the ink is dark, or if it is light."""
        background = estimate_background(luminance, dark, self.flatten_background)
        if dark:  # ink absorbs a part of the light that there is
            contrast = 1 - luminance / np.maximum(background, DARKEST_PAPER)
        else:
            contrast = luminance - background
        return background, contrast, find_ink(contrast, self.threshold)
