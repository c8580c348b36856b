"""Displays of a training need a fitted image classifier."""

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError

from skmnist.displays import (
    AccuracyCurveDisplay,
    FiltersDisplay,
    LossCurveDisplay,
)


@pytest.mark.parametrize(
    "display", [LossCurveDisplay, AccuracyCurveDisplay, FiltersDisplay]
)
def test_other_estimators_and_unfitted_classifiers(display, small):
    with pytest.raises(TypeError, match=r"Got a DummyClassifier.*pipeline\[-1\]"):
        display.from_estimator(DummyClassifier())
    with pytest.raises(NotFittedError):
        display.from_estimator(small())
