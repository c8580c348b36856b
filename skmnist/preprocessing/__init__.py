"""Convert pictures to images for a classifier."""

from skmnist.preprocessing._digit_finder import DigitFinder, FoundDigits
from skmnist.preprocessing._digit_preprocessor import (
    DigitPreprocessor,
    PreprocessedDigit,
)
from skmnist.preprocessing._image_resizer import ImageResizer

__all__ = [
    "DigitFinder",
    "DigitPreprocessor",
    "FoundDigits",
    "ImageResizer",
    "PreprocessedDigit",
]
