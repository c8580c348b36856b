"""How much each image counts: sample weights, class weights and their scale."""

import numbers

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight


def combine_weights(sample_weight, class_weight, y, classes):
    """Multiply the weights of the images by those of their classes.

    Parameters
    ----------
    sample_weight : array-like of shape (n,), number or None
        Weights of the images, at least 0.
    class_weight : dict, "balanced" or None
        See `MnistCNNClassifier`.
    y : ndarray of shape (n,)
    classes : ndarray of shape (n_classes,)
        All labels that `class_weight` may speak of.

    Returns
    -------
    ndarray of shape (n,), float64, or None
        None where neither was given.

    Raises
    ------
    ValueError, TypeError
        If a weight is negative, not finite or no number, if all are 0, or if
        `class_weight` does not fit the classes.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, y, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    counted = weights > 0
    with np.errstate(over="ignore"):  # is an error of ours below
        if class_weight is not None:
            of_class = _weight_of_each_class(
                class_weight, y[counted], classes, weights[counted]
            )
            weights[counted] *= of_class[classes.searchsorted(y[counted])]
        total = weights.sum()
    if not 0 < total < np.inf:
        raise ValueError(
            f"Got weights whose sum is {total} (sample_weight times "
            "class_weight), expected a finite sum above 0. Pass some weights above 0 "
            "and none that is extremely large."
        )
    return weights


def leave_out(images, y, weights):
    """Leave out the images of weight 0, as if they had not been given.

    Parameters
    ----------
    images : tensor of shape (n, C, H, W)
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,) or None

    Returns
    -------
    images, y, weights
        The same objects where no weight is 0.
    """
    if weights is None or np.all(weights > 0):
        return images, y, weights
    counted = weights > 0
    return images[counted], y[counted], weights[counted]


def check_class_weight(class_weight):
    """Raise ValueError or TypeError for what can be no `class_weight` at all."""
    if class_weight is None or (
        isinstance(class_weight, str) and class_weight == "balanced"
    ):
        return
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"Got class_weight={class_weight!r}, expected None, 'balanced' or a dict "
            "of weights by label."
        )
    for label, weight in class_weight.items():
        is_number = isinstance(weight, numbers.Real)
        if not is_number or not 0 <= weight < np.inf:
            raise ValueError(
                f"Got class_weight={class_weight!r}, where the weight of {label!r} is "
                f"{weight!r}, expected a finite number of at least 0."
            )


def _weight_of_each_class(class_weight, y, classes, sample_weight):
    """Weights in the order of `classes`; 1 for a class that nothing is said of."""
    weights = np.ones(len(classes))
    if isinstance(class_weight, str):  # "balanced"
        present = np.unique(y)
        weights[classes.searchsorted(present)] = compute_class_weight(
            class_weight, classes=present, y=y, sample_weight=sample_weight
        )
        return weights
    # not scikit-learn's: it looks for the string "7" under the integer 7
    labels = classes.tolist()
    known = set(labels)
    unknown = [label for label in class_weight if label not in known]
    unnamed = [label for label in labels if label not in class_weight]
    if unknown and unnamed:  # without the latter, a fold just lacks some classes
        raise ValueError(
            f"Got class_weight with the labels {unknown}, which are not among the "
            f"classes {labels}. Pass weights of these classes only."
        )
    for code, label in enumerate(labels):
        weights[code] = class_weight.get(label, 1.0)
    return weights
