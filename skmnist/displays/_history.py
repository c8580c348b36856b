"""The training history of a classifier as arrays."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist.classifiers import ImageClassifier


def check_image_classifier(estimator):
    """Raise an error unless `estimator` is a fitted image classifier."""
    if not isinstance(estimator, ImageClassifier):
        raise TypeError(
            f"Got a {type(estimator).__name__}, expected a fitted image classifier of "
            "skmnist. Pass the last step of a pipeline (pipeline[-1]), or the "
            "best_estimator_ of a search."
        )
    check_is_fitted(estimator)


def get_history(estimator):
    """Return the history of a fitted image classifier."""
    check_image_classifier(estimator)
    return estimator.history


def get_epoch_values(history, key):
    """Return a value of each epoch as an array, with NaN where it is missing."""
    return np.array([epoch.get(key, np.nan) for epoch in history], dtype=float)
