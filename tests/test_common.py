"""scikit-learn's own checks of an estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import MnistCNNClassifier


# The checks use any number of features; fit says that it lays them out on a square.
@pytest.mark.filterwarnings("ignore:X has .* features, which is no square number")
@parametrize_with_checks([MnistCNNClassifier()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
