"""A convolutional network for MNIST-like images, as a scikit-learn estimator."""

from importlib.metadata import version

from skmnist._classifier import MnistCNNClassifier
from skmnist.augmentation import RandomAffine

__all__ = ["MnistCNNClassifier", "RandomAffine"]
__version__ = version("skmnist")
