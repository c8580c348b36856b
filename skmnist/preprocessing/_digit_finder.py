"""`DigitFinder`: from a picture of several digits to images like those of MNIST."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from skmnist.preprocessing._background import is_background_light
from skmnist.preprocessing._centering import CANVAS_SIZE, center_in_canvas
from skmnist.preprocessing._digit_preprocessor import DigitPreprocessor
from skmnist.preprocessing._digit_shapes import find_digit_shapes
from skmnist.preprocessing._image_reading import (
    check_dependencies,
    get_name,
    read_luminance,
)
from skmnist.preprocessing._line_removal import remove_lines
from skmnist.preprocessing._row_detection import sort_into_rows
from skmnist.preprocessing._segmentation import segment, segment_each_stroke
from skmnist.preprocessing._stroke_width import set_stroke_width
from skmnist.preprocessing._touching_digits import separate

WORKING_SIZE_RANGE = (640, 1024)
"""Smallest and largest longer side of the luminance, in pixels."""

WINDOW = 1 / 16
"""Side of a square wider than any stroke, relative to the picture's longer side."""

MAX_LINE_TILT = 10.0
"""Largest angle of lines that are removed, in degrees."""


@dataclass(frozen=True, eq=False)
class FoundDigits:
    images: np.ndarray
    boxes: np.ndarray
    rows: np.ndarray


class DigitFinder(BaseEstimator):
    def __init__(self, *, classifier=None, preprocessor=None):
        self.classifier = classifier
        self.preprocessor = preprocessor

    def find(self, picture):
        p = DigitPreprocessor() if self.preprocessor is None else self.preprocessor
        p.fit()
        name = get_name(picture, None)
        check_dependencies()
        rgb, luminance, scale = read_luminance(
            picture, name, p.max_pixels, WORKING_SIZE_RANGE
        )
        dark = self._is_dark(luminance, p.polarity)
        _, contrast, _ = segment(
            luminance,
            polarity="dark" if dark else "light",
            flatten_background=p.flatten_background,
            threshold=p.threshold,
            window=WINDOW,
        )
        strokes = segment_each_stroke(contrast, p.threshold)
        self.ink0 = strokes
        if strokes.any() and p.remove_lines:
            strokes = remove_lines(
                strokes, contrast, max_tilt=MAX_LINE_TILT, step=0.25
            )
        self.ink1 = strokes
        rows = sort_into_rows(find_digit_shapes(strokes))
        rows = [drop for row in rows for drop in [_drop_dots(row)] if drop]

        def normalize(shape):
            mask = shape.mask
            if p.stroke_width is not None:
                mask = set_stroke_width(mask, p.stroke_width)
            return center_in_canvas(mask)

        if self.classifier is not None:

            def judge(shapes):
                if not shapes:
                    return np.zeros(0)
                images = np.array([normalize(shape) for shape in shapes])
                return self.classifier.predict_proba(images.reshape(len(images), -1)).max(1)

            rows = separate(rows, judge)
        shapes = [shape for row in rows for shape in row]
        images = np.array([normalize(shape) for shape in shapes], np.uint8)
        boxes = np.array([shape.box for shape in shapes], float).reshape(-1, 4) / scale
        boxes = np.rint(boxes).astype(np.int64)
        numbers = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return FoundDigits(images.reshape(-1, 28, 28), boxes, numbers)

    def _is_dark(self, luminance, polarity):
        from scipy.ndimage import gaussian_filter

        if polarity != "auto":
            return polarity == "dark"
        # dark corners of a photo are wider than strokes
        smooth = gaussian_filter(luminance, WINDOW * max(luminance.shape))
        return is_background_light(luminance - smooth)


def _drop_dots(row):
    """Leave out dots, commas and dashes: what is much lower than the digits."""
    from skmnist.preprocessing._row_detection import typical_height

    height = typical_height(row)
    return [shape for shape in row if shape.height > 0.4 * height]
