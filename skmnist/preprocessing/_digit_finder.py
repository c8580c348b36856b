"""`DigitFinder`: pictures of several digits to images like those of MNIST."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from skmnist._centering import CANVAS_SIZE, center_in_canvas
from skmnist._dependencies import check_scikit_image
from skmnist.preprocessing._background import (
    BACKGROUND_WINDOW,
    downscale,
    is_background_light,
)
from skmnist.preprocessing._binary_images import (
    crop,
    label_components,
    to_uint8,
)
from skmnist.preprocessing._digit_preprocessor import DigitPreprocessor
from skmnist.preprocessing._digit_shapes import MAX_SHAPES, find_digit_shapes
from skmnist.preprocessing._image_reading import (
    get_name,
    read_luminance,
)
from skmnist.preprocessing._line_removal import remove_lines
from skmnist.preprocessing._pair_reading import (
    check_pair_classifier,
    normalize_pair,
    predict_pair,
)
from skmnist.preprocessing._quality_warnings import number_warnings
from skmnist.preprocessing._row_detection import drop_dots, sort_into_rows
from skmnist.preprocessing._segmentation import (
    segment_each_stroke,
    segment_strokes,
    subtract_background,
)
from skmnist.preprocessing._shapes import shape_of
from skmnist.preprocessing._stroke_width import set_stroke_width
from skmnist.preprocessing._touching_digits import separate

WORKING_SIZE_RANGE = (512, 1024)
"""Smallest and largest longer side of the luminance, in pixels."""

SHEET_WINDOW = 1 / 16
"""Side of a square wider than the strokes of most pictures of several digits.

It is relative to the picture's longer side, and smaller than `BACKGROUND_WINDOW` so
that the estimated background follows the dark corners of a photo.
"""

MAX_LINE_TILT = 10.0
"""Largest angle of lines that are removed, in degrees."""

LINE_TILT_STEP = 0.25
"""Difference of the angles that are tried, in degrees.

At a working size of 1024, a line deviates by at most a pixel.
"""

SHORTEST_LINE = 0.1
"""Length of the shortest line across a corner, relative to the side of the picture."""

MAX_SIDE = 64
"""Half of the longer side above which digits are scaled down to save time, in pixels.

It is three times their size in MNIST.
"""


@dataclass(frozen=True, eq=False)
class FoundDigits:
    """Result of :meth:`DigitFinder.find`: the digits in reading order.

    Parameters
    ----------
    images : ndarray of shape (n_digits, 28, 28), uint8
        Each digit as in MNIST: light strokes, up to 255, on 0.
    boxes : ndarray of shape (n_digits, 4), int64
        Left, top, right and bottom edge of each digit in pixels of the picture, after
        the orientation recorded by the camera is applied; right and bottom are
        exclusive, as in `PIL.Image.crop`.
    rows : ndarray of shape (n_digits,), int64
        Row of each digit, from 0.
    stages : dict of str to ndarray of uint8
        Intermediate images by name, in order: `picture` (height, width, 3),
        `luminance`, `background`, `contrast`, `ink` and, without lines, `strokes`, all
        (new_height, new_width).
    quality_warnings : list of str
        Reasons to doubt the result, each with what to do; empty if there are none.
    probabilities : ndarray of shape (n_digits, n_classes), float32, default=None
        Of each class of the classifier; None without one.

    See Also
    --------
    DigitFinder : Makes it from a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.preprocessing import DigitFinder
    >>> blank = np.full((100, 80), 250, dtype=np.uint8)
    >>> result = DigitFinder().find(blank)
    >>> result.images.shape, result.boxes.shape
    ((0, 28, 28), (0, 4))
    >>> print(*result.quality_warnings)
    No digits found. Use a picture of digits, dark on light or light on dark.
    """

    images: np.ndarray
    boxes: np.ndarray
    rows: np.ndarray
    stages: dict
    quality_warnings: list
    probabilities: np.ndarray = None


class DigitFinder(BaseEstimator):
    """Find the digits in photos, scans and drawings of handwritten numbers.

    It takes the pictures that :class:`DigitPreprocessor` takes, and finds every digit
    in these steps:

    1. Separate the strokes from the paper as `DigitPreprocessor` does, at a resolution
       of up to 1,024 pixels, with a threshold that follows the pressure of the pen.
    2. Remove lines that begin at an edge, as on ruled and squared paper, tilted by up
       to 10 degrees, and printed frames and grids.
    3. Take connected strokes as digits, and unite parts that lie above each other.
       Leave out what is much smaller than the digits, such as specks, dots, commas and
       dashes, and what touches the edge of the picture unless it is as large as a
       digit and does not run along the edge.
    4. Find the rows, which may be tilted by up to 12 degrees, and sort the digits from
       left to right.
    5. With a classifier, join neighbours that it reads better as one digit, and cut
       digits that touch: with a classifier of pairs, those that it reads as two digits
       [1]_, otherwise those that the classifier reads better as two digits than as one.
       Cuts go from top to bottom through as little ink as possible; several are tried
       [2]_.
    6. Set the width of the strokes and the size of each digit as `DigitPreprocessor`
       does. It also takes over a picture in which one digit or none was found.

    The work is bounded: at most the 500 largest shapes are taken as digits, and at most
    14 cuts are tried for a shape.

    Parameters
    ----------
    classifier : classifier, default=None
        Fitted on images like MNIST's, with `predict_proba`. None: digits that touch are
        not cut, and parts beside each other are not joined.
    pair_classifier : classifier, default=None
        Fitted on images of `skmnist.datasets.make_touching_digits`, with
        `predict_proba` and the same labels. It reads touching digits; `classifier`
        finds where to cut them, and reads the parts, too.
    preprocessor : DigitPreprocessor, default=None
        Its parameters are used; `speck_size` is relative to a digit of typical height.
        None: a `DigitPreprocessor` with its default parameters.

    See Also
    --------
    skmnist.read : Reads the digits, too.
    DigitPreprocessor : Converts pictures of single digits.
    skmnist.datasets.make_digit_strings : Generates pictures of numbers.

    References
    ----------
    .. [1] A. G. Hochuli, L. S. Oliveira, A. S. Britto Jr., R. Sabourin, "Handwritten
       digit segmentation: Is it still necessary?", Pattern Recognition 78, 2018.
    .. [2] R. G. Casey, E. Lecolinet, "A survey of methods and strategies in character
       segmentation", IEEE Transactions on Pattern Analysis and Machine Intelligence 18
       (7), 1996.

    Examples
    --------
    >>> from skmnist.datasets import load_mnist_sample, make_digit_strings
    >>> from skmnist.preprocessing import DigitFinder
    >>> X, y = load_mnist_sample(return_X_y=True)
    >>> numbers = make_digit_strings(
    ...     X, y, n_samples=1, length=4, n_rows=2, random_state=0
    ... )
    >>> result = DigitFinder().find(numbers.images[0])
    >>> result.images.shape
    (8, 28, 28)
    >>> result.rows
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """

    def __init__(self, *, classifier=None, pair_classifier=None, preprocessor=None):
        self.classifier = classifier
        self.pair_classifier = pair_classifier
        self.preprocessor = preprocessor

    def find(self, picture):
        """Find the digits in one picture.

        Parameters
        ----------
        picture : path, file, PIL.Image or array
            A single picture, as in `DigitPreprocessor.transform`.

        Returns
        -------
        FoundDigits
            The image, box and row of each digit, the intermediate images, and the
            reasons to doubt the result.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError, TypeError
            If the picture cannot be read, or a parameter is invalid.
        ImportError
            If a package of the extra `images` is not installed.
        """
        preprocessor = self._check_parameters()
        check_scikit_image("DigitFinder")
        name = get_name(picture, None)
        rgb, luminance, size = read_luminance(
            picture, name, preprocessor.max_pixels, WORKING_SIZE_RANGE
        )
        polarity, flatten = preprocessor.polarity, preprocessor.flatten_background
        dark = polarity == "dark" if polarity != "auto" else _is_dark(luminance)
        window = _choose_window(luminance, dark, flatten, preprocessor.threshold)
        background, contrast = subtract_background(luminance, dark, flatten, window)
        ink = strokes = segment_each_stroke(contrast, preprocessor.threshold)
        if strokes.any() and preprocessor.remove_lines:
            strokes = remove_lines(
                strokes,
                contrast,
                max_tilt=MAX_LINE_TILT,
                step=LINE_TILT_STEP,
                shortest=SHORTEST_LINE,
                n_ends=1,
            )
        shapes = find_digit_shapes(strokes, preprocessor.speck_size)
        rows = drop_dots(sort_into_rows(shapes))
        probabilities = None
        if self.classifier is not None:
            read_pair = None if self.pair_classifier is None else self._read_pair
            rows = separate(rows, self._judge, read_pair) if rows else []
            digits = [digit for row in rows for digit in row]
            probabilities = np.array([d.probabilities for d in digits], np.float32)
            probabilities = probabilities.reshape(-1, len(self.classifier.classes_))
            rows = [[digit.shape for digit in row] for row in rows]
        shapes = [shape for row in rows for shape in row]
        scale = np.tile(np.divide(size, luminance.shape[::-1]), 2)
        boxes = np.array([shape.box for shape in shapes]).reshape(-1, 4) * scale
        boxes = np.rint(boxes).astype(np.int64)
        images = self._normalize(shapes)
        numbers = np.array([n for n, row in enumerate(rows) for _ in row], np.int64)
        warnings = number_warnings(boxes, size, MAX_SHAPES)
        if len(shapes) <= 1:
            # a single digit may fill the picture and touch its edge
            digit = preprocessor.preprocess(rgb)
            if digit.found and not (shapes and digit.quality_warnings):
                images, numbers = digit.image[None], np.zeros(1, np.int64)
                if self.classifier is not None:
                    probabilities = self._predict(images)
                boxes = _find_box(digit.stages["digit"] > 0, size)[None]
                warnings = digit.quality_warnings
        stages = {
            "picture": rgb,
            "luminance": to_uint8(luminance),
            "background": to_uint8(background),
            "contrast": to_uint8(contrast),
            "ink": to_uint8(ink),
            "strokes": to_uint8(strokes),
        }
        return FoundDigits(
            images=images,
            boxes=boxes,
            rows=numbers,
            stages=stages,
            quality_warnings=warnings,
            probabilities=probabilities,
        )

    def _check_parameters(self):
        """Return the preprocessor, or raise TypeError or ValueError."""
        preprocessor = self.preprocessor
        if preprocessor is None:
            preprocessor = DigitPreprocessor()
        if not isinstance(preprocessor, DigitPreprocessor):
            raise TypeError(
                f"Got preprocessor={preprocessor!r:.100}, expected a DigitPreprocessor "
                "or None."
            )
        if self.classifier is not None and not hasattr(
            self.classifier, "predict_proba"
        ):
            raise TypeError(
                f"Got classifier={self.classifier!r:.100}, expected a fitted "
                "classifier with the method predict_proba, or None."
            )
        check_pair_classifier(self.pair_classifier, self.classifier)
        return preprocessor.fit()

    def _normalize(self, shapes):
        """Convert shapes to images like MNIST's, of shape (n, 28, 28)."""
        width, images = self._get_stroke_width(), []
        for shape in shapes:
            mask = _reduce(shape.mask)
            if width is not None:
                mask = set_stroke_width(mask, width)
            images.append(center_in_canvas(mask))
        return np.array(images, np.uint8).reshape(-1, CANVAS_SIZE, CANVAS_SIZE)

    def _get_stroke_width(self):
        return (self.preprocessor or DigitPreprocessor()).stroke_width

    def _judge(self, shapes):
        """Probabilities of the classes for each shape."""
        return self._predict(self._normalize(shapes))

    def _predict(self, images):
        return self.classifier.predict_proba(images.reshape(len(images), -1))

    def _read_pair(self, shape):
        """Probabilities of two touching digits, and that there are two."""
        image = normalize_pair(_reduce(shape.mask), self._get_stroke_width())
        return predict_pair(image, self.pair_classifier, self.classifier.classes_)


def _find_box(mask, size):
    """Box of the ink of a mask, in pixels of the picture."""
    scale = np.tile(np.divide(size, mask.shape[::-1]), 2)
    return np.rint(shape_of(mask).box * scale).astype(np.int64)


def _reduce(mask):
    """Scale a large digit down to about `MAX_SIDE`, cropped to its ink."""
    from PIL import Image

    factor = max(mask.shape) // MAX_SIDE
    if factor < 2:
        return mask
    # padding, because a reduced part of a block would be weak ink
    padded = np.pad(mask, [(0, -side % factor) for side in mask.shape])
    small = np.asarray(Image.fromarray(to_uint8(padded)).reduce(factor)) > 127
    return crop(small) if small.any() else mask


def _is_dark(luminance):
    """Whether the strokes are darker than the paper."""
    from scipy.ndimage import gaussian_filter

    small = downscale(luminance, 192)
    # dark corners of a photo are wider than strokes
    smooth = gaussian_filter(small, SHEET_WINDOW * max(small.shape))
    return is_background_light(small - smooth)


def _choose_window(luminance, dark, flatten, threshold):
    """Side of a square wider than any stroke, relative to the picture's longer side."""
    from scipy.ndimage import distance_transform_edt

    small = downscale(luminance, 192)
    _, contrast = subtract_background(small, dark, flatten)
    strokes = segment_strokes(contrast, threshold)
    labels, _ = label_components(strokes)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    strokes &= ~np.isin(labels, edges)  # shadows and what lies beside the paper
    if not strokes.any():
        return SHEET_WINDOW
    widest = 2 * distance_transform_edt(strokes).max() / max(small.shape)
    return np.clip(2 * widest, SHEET_WINDOW, BACKGROUND_WINDOW)
