"""Plots of a training and of a trained classifier, with scikit-learn's Display API.

scikit-learn's own displays, such as `ConfusionMatrixDisplay` and `RocCurveDisplay`,
work with the classifiers of this package.
"""

from skmnist.displays._accuracy_curve import AccuracyCurveDisplay
from skmnist.displays._digits import DigitsDisplay
from skmnist.displays._filters import FiltersDisplay
from skmnist.displays._loss_curve import LossCurveDisplay
from skmnist.displays._preprocessing_steps import PreprocessingDisplay
from skmnist.displays._reading import ReadingDisplay

__all__ = [
    "AccuracyCurveDisplay",
    "DigitsDisplay",
    "FiltersDisplay",
    "LossCurveDisplay",
    "PreprocessingDisplay",
    "ReadingDisplay",
]
