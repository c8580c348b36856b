"""Classifiers of images: scikit-learn's contract around convolutional networks."""

from skmnist.classifiers._image_classifier import ImageClassifier
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier

__all__ = ["ImageClassifier", "MnistCNNClassifier"]
