"""Classifiers of images: scikit-learn's contract around convolutional networks."""

from skmnist.classifiers._mnist_cnn import MnistCNNClassifier

__all__ = ["MnistCNNClassifier"]
