"""Convert pictures of handwritten digits to images like those of MNIST."""

from skmnist.preprocessing._digit_preprocessor import (
    DigitPreprocessor,
    PreprocessedDigit,
)

__all__ = ["DigitPreprocessor", "PreprocessedDigit"]
