"""A convolutional network for MNIST-like images, as a scikit-learn estimator."""

from importlib.metadata import version

from skmnist.augmentation import RandomAffine
from skmnist.classifiers import MnistCNNClassifier
from skmnist.model_files import load, save, to_onnx

__all__ = ["MnistCNNClassifier", "RandomAffine", "load", "save", "to_onnx"]
__version__ = version("skmnist")
