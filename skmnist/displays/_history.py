"""The history of a fitted classifier, as arrays."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist.classifiers import MnistCNNClassifier


def get_history(estimator):
    """The history of a fitted MnistCNNClassifier; what else came is an error."""
    if not isinstance(estimator, MnistCNNClassifier):
        raise TypeError(
            f"Got a {type(estimator).__name__}, expected a fitted MnistCNNClassifier. "
            "Pass the last step of a pipeline (pipeline[-1]), or best_estimator_ of a "
            "search."
        )
    check_is_fitted(estimator)
    return estimator.history


def get_column(history, key):
    """A figure of each epoch, NaN for epochs that do not have it."""
    return np.array([epoch.get(key, np.nan) for epoch in history], dtype=float)
