"""`DigitPreprocessor`: pictures of single digits to images like those of MNIST."""

import numbers
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_scalar

from skmnist._centering import CANVAS_SIZE, center_in_canvas
from skmnist._dependencies import check_scikit_image
from skmnist.preprocessing._binary_images import crop, to_uint8
from skmnist.preprocessing._image_reading import (
    get_name,
    read_luminance,
    to_list,
)
from skmnist.preprocessing._line_removal import remove_lines
from skmnist.preprocessing._quality_warnings import NO_DIGIT, quality_warnings
from skmnist.preprocessing._segmentation import HIGH_THRESHOLD, segment
from skmnist.preprocessing._speck_removal import drop_specks
from skmnist.preprocessing._stroke_width import set_stroke_width

PILLOW_MAX_PIXELS = 178_956_970
"""Pixels of a picture above which Pillow itself refuses to read it."""


@dataclass(frozen=True, eq=False)
class PreprocessedDigit:
    """Result of :meth:`DigitPreprocessor.preprocess`.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        The digit as in MNIST: light strokes, up to 255, on 0. All 0 if no digit was
        found.
    stages : dict of str to ndarray
        Intermediate images by name, as :meth:`DigitPreprocessor.explain` returns them.
    quality_warnings : list of str
        Reasons to doubt the result, each with what to do; empty if there are none.

    See Also
    --------
    DigitPreprocessor : Makes it from a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.preprocessing import DigitPreprocessor
    >>> blank = np.full((100, 80), 250, dtype=np.uint8)
    >>> result = DigitPreprocessor().preprocess(blank)
    >>> result.found
    False
    >>> print(*result.quality_warnings)
    No digit found. Use a picture of one digit, dark on light or light on dark.
    """

    image: np.ndarray
    stages: dict
    quality_warnings: list

    @property
    def found(self):
        """Whether a digit was found: whether `image` has pixels above 0."""
        return bool(self.image.any())


class DigitPreprocessor(TransformerMixin, BaseEstimator):
    """Convert photos, scans and drawings of single digits to rows like MNIST's.

    A network trained on MNIST expects light strokes on a dark background, of a certain
    width, and a digit of a certain size in the middle of 28x28 pixels. This transformer
    finds the digit in a picture and converts it to such an image in these steps:

    1. Apply the orientation recorded by the camera (EXIF).
    2. Convert colors to luminance; transparent parts become white.
    3. Estimate the background and subtract it, which removes shadows. Whether the
       strokes are darker or lighter than the paper is determined from the picture.
    4. Segment the strokes by hysteresis thresholding: weak parts count if they are
       connected to strong ones.
    5. Remove lines that cross the whole picture, as on ruled paper.
    6. Remove specks, and parts that touch the edge if there are strokes inside.
    7. Dilate or erode the strokes to the desired width without closing a loop.
    8. Scale the digit to fit in 20x20 pixels, keeping its aspect ratio, and place it
       in 28x28 pixels with its center of mass in the middle, as in MNIST [1]_.

    The transformer is stateless: `fit` only validates the parameters and may be
    omitted. It needs the extra `images`.

    Parameters
    ----------
    polarity : {"auto", "dark", "light"}, default="auto"
        Whether the strokes are darker or lighter than the paper; "auto" determines it
        from the picture.
    flatten_background : bool, default=True
        Whether to estimate a background that varies over the picture. If False, the
        background has the same luminance everywhere.
    threshold : float, default=0.35
        Smallest contrast of weak parts of strokes, relative to the typical contrast of
        the strokes, in (0, 0.6].
    remove_lines : bool, default=True
        Whether to remove lines that cross the whole picture within 4 degrees of
        horizontal or vertical.
    speck_size : float, default=0.06
        Smallest area of separate parts, relative to the area of the largest part, in
        [0, 1). Smaller parts are removed; 0 keeps all.
    stroke_width : float or None, default=3.0
        Desired width of the strokes in pixels of the result, in (0, 6]. None keeps the
        width of the picture. MNIST's digits have widths from 1.5 to 4.
    max_pixels : int, default=100_000_000
        Files with more pixels are refused before they are decoded; at most
        178,956,970, which is Pillow's own limit.

    See Also
    --------
    skmnist.displays.PreprocessingDisplay : Draws the result of each step.

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
        """Validate the parameters.

        Parameters
        ----------
        X : object, default=None
            Ignored.
        y : object, default=None
            Ignored.

        Returns
        -------
        DigitPreprocessor
            The transformer itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid.
        """
        self._check_parameters()
        return self

    def transform(self, X):
        """Convert pictures to rows of pixels like MNIST's.

        Parameters
        ----------
        X : sequence of pictures
            Each is a path, an open binary file, a `PIL.Image`, or an array of any size
            and of shape (height, width), (height, width, channels) or
            (channels, height, width), with grey, grey and alpha, RGB or RGBA channels;
            kinds may be mixed. Arrays contain bool, integers from 0 to 255 (or from 0
            to 65535, if any is above 255), or floats from 0 to 1 or 0 to 255.

        Returns
        -------
        ndarray of shape (n, 784), uint8
            Light strokes, up to 255, on 0. A row is all 0 if no digit was found.

        Raises
        ------
        FileNotFoundError
            If a file does not exist.
        ValueError, TypeError
            If X is not a sequence of pictures, or one of them cannot be read; the
            message says which.
        ImportError
            If a package of the extra `images` is not installed.

        Warns
        -----
        UserWarning
            If no digit or several digits are found in a picture, or the digit touches
            its edge or is very small.
        """
        self._check_parameters()
        rows = []
        for number, picture in enumerate(to_list(X)):
            name = get_name(picture, number)
            result = self._preprocess(picture, name)
            for warning in result.quality_warnings:
                warnings.warn(f"{name}: {warning}", UserWarning, stacklevel=2)
            rows.append(result.image.ravel())
        return np.array(rows, dtype=np.uint8).reshape(len(rows), CANVAS_SIZE**2)

    def preprocess(self, picture):
        """Convert one picture and return all that is known about the result.

        Unlike `transform`, this method does not warn: reasons to doubt the result are
        part of it.

        Parameters
        ----------
        picture : path, file, PIL.Image or array
            A single picture, as in `transform`.

        Returns
        -------
        PreprocessedDigit
            The image, the intermediate images and the reasons to doubt the result.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError, ImportError
            As in `transform`.
        """
        self._check_parameters()
        return self._preprocess(picture, get_name(picture, None))

    def explain(self, picture):
        """Return the intermediate images of one picture, step by step.

        Parameters
        ----------
        picture : path, file, PIL.Image or array
            A single picture, as in `transform`.

        Returns
        -------
        dict of str to ndarray of uint8
            Images by name, in order: `picture` (height, width, 3), `luminance`,
            `background`, `contrast`, `ink` and `digit`, all (new_height, new_width),
            `strokes`, cropped to the digit, and `result` (28, 28). If no digit is
            found, those after `contrast` are 0.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError, ImportError
            As in `transform`.
        """
        return self.preprocess(picture).stages

    def get_feature_names_out(self, input_features=None):
        """Get the names of the output columns, pixel0 to pixel783, row by row.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of shape (784,), object
            One name for each pixel.
        """
        return np.array([f"pixel{i}" for i in range(CANVAS_SIZE**2)], dtype=object)

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
            max_val=HIGH_THRESHOLD,
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
            max_val=PILLOW_MAX_PIXELS,
        )

    def _preprocess(self, picture, name):
        """Do what `preprocess` documents; `name` is for error messages."""
        check_scikit_image("DigitPreprocessor")
        rgb, luminance, size = read_luminance(picture, name, self.max_pixels)
        background, contrast, strokes = segment(
            luminance,
            polarity=self.polarity,
            flatten_background=self.flatten_background,
            threshold=self.threshold,
        )
        stages = {
            "picture": rgb,
            "luminance": to_uint8(luminance),
            "background": to_uint8(background),
            "contrast": to_uint8(contrast),
            "ink": to_uint8(strokes),
        }
        if strokes.any() and self.remove_lines:
            strokes = remove_lines(strokes)
        if not strokes.any():
            empty = np.zeros(luminance.shape, np.uint8)
            image = np.zeros((CANVAS_SIZE, CANVAS_SIZE), np.uint8)
            stages |= {"digit": empty, "strokes": empty, "result": image}
            return PreprocessedDigit(image, stages, [NO_DIGIT])
        digit = drop_specks(strokes, self.speck_size)
        normalized = crop(digit)
        if self.stroke_width is not None:
            normalized = set_stroke_width(normalized, self.stroke_width)
        image = center_in_canvas(normalized)
        stages |= {
            "digit": to_uint8(digit),
            "strokes": to_uint8(np.pad(normalized, 2)),
            "result": image,
        }
        scale = max(luminance.shape) / max(size)
        return PreprocessedDigit(image, stages, quality_warnings(digit, scale))
