"""Classifiers of images: scikit-learn's contract around convolutional networks."""

from skmnist.classifiers._image_classifier import ImageClassifier
from skmnist.classifiers._mnist_cnn import MnistCNNClassifier
from skmnist.classifiers._resnet import ResNetClassifier

__all__ = ["ImageClassifier", "MnistCNNClassifier", "ResNetClassifier"]
