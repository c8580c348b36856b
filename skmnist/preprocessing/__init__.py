"""Turn pictures of handwritten digits into images like those of MNIST."""

from skmnist.preprocessing._digit_preprocessor import DigitPreprocessor

__all__ = ["DigitPreprocessor"]
