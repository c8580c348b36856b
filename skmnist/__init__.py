"""A convolutional network for MNIST-like images, as a scikit-learn estimator."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers and editors; see __getattr__
    from skmnist.augmentation import (
        AlternatingFlip,
        RandomAffine,
        RandomErasing,
        RandomFlip,
        RandomShift,
    )
    from skmnist.classifiers import MnistCNNClassifier, ResNetClassifier
    from skmnist.model_files import load, save, to_onnx
    from skmnist.outlier_detection import NonDigitDetector
    from skmnist.reading import read

__all__ = [
    "AlternatingFlip",
    "MnistCNNClassifier",
    "NonDigitDetector",
    "RandomAffine",
    "RandomErasing",
    "RandomFlip",
    "RandomShift",
    "ResNetClassifier",
    "load",
    "read",
    "save",
    "to_onnx",
]

_MODULES = {
    "AlternatingFlip": "skmnist.augmentation",
    "MnistCNNClassifier": "skmnist.classifiers",
    "NonDigitDetector": "skmnist.outlier_detection",
    "RandomAffine": "skmnist.augmentation",
    "RandomErasing": "skmnist.augmentation",
    "RandomFlip": "skmnist.augmentation",
    "RandomShift": "skmnist.augmentation",
    "ResNetClassifier": "skmnist.classifiers",
    "load": "skmnist.model_files",
    "read": "skmnist.reading",
    "save": "skmnist.model_files",
    "to_onnx": "skmnist.model_files",
}
"""Module of each public name."""

_SUBMODULES = {
    *("augmentation", "callbacks", "classifiers", "datasets", "displays"),
    *("model_files", "networks", "optimizers", "outlier_detection", "preprocessing"),
    "reading",
}
"""Modules that `import skmnist` makes available."""


def __getattr__(name):
    """Import a name when it is first used.

    `import skmnist` comes before the help of the command and its error messages, which
    need not wait for torch and scikit-learn.
    """
    if name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    elif name in _SUBMODULES:
        value = import_module(f"skmnist.{name}")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("skmnist")
    else:
        raise AttributeError(f"module 'skmnist' has no attribute {name!r}")
    globals()[name] = value  # found without this function from now on
    return value


def __dir__():
    return sorted({*globals(), *_MODULES, *_SUBMODULES, "__version__"})
