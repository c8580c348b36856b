"""A convolutional network for MNIST-like images, as a scikit-learn estimator."""

from importlib.metadata import version

from skmnist._classifier import MnistCNNClassifier

__all__ = ["MnistCNNClassifier"]
__version__ = version("skmnist")
