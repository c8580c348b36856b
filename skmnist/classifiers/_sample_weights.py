"""Sample weights and class weights: validation, scale, and the weighted loss."""

import numbers

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from skmnist.classifiers._batch_loader import get_sample_weight

_REMEDY = "Pass a loss of torch.nn, or no weights."


def combine_weights(sample_weight, class_weight, y, classes):
    """Multiply the weights of the images by those of their classes.

    Parameters
    ----------
    sample_weight : array-like of shape (n,), number or None
        Weights of the images, at least 0.
    class_weight : dict, "balanced" or None
        See `ImageClassifier`.
    y : ndarray of shape (n,)
    classes : ndarray of shape (n_classes,)
        All labels that `class_weight` may name.

    Returns
    -------
    ndarray of shape (n,), float64, or None
        None if both weights are None.

    Raises
    ------
    ValueError, TypeError
        If a weight is negative, not finite or not a number, if all are 0, or if
        `class_weight` does not fit the classes.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, y, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    counted = weights > 0
    with np.errstate(over="ignore"):  # checked below
        if class_weight is not None:
            of_class = _compute_weight_of_each_class(
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


def drop_zero_weight(images, y, weights):
    """Drop the images of weight 0.

    Parameters
    ----------
    images : tensor of shape (n, C, H, W)
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,) or None

    Returns
    -------
    images, y, weights
        The same objects if no weight is 0.
    positions : ndarray of shape (n,), int64, or None
        Positions of the others; None if no weight is 0.
    """
    if weights is None or np.all(weights > 0):
        return images, y, weights, None
    (counted,) = np.nonzero(weights)
    return images[counted], y[counted], weights[counted], counted


def scale_weights(images, train, so_far):
    """Scale the weights of a training to mean 1 over all images trained on so far.

    Parameters
    ----------
    images : LabelledImages
        All images. Their weights are scaled in place, and removed if all are 1.
    train : data set
        Those of them that are trained on.
    so_far : tuple (int, float)
        Number and sum of the weights of earlier calls of `partial_fit`.

    Returns
    -------
    tuple (int, float)
        Number and sum of the weights, including these.
    """
    weights = get_sample_weight(train)
    n, total = so_far
    n += len(train)
    total += len(train) if weights is None else float(weights.sum())
    if images.weights is None:
        images.weights = torch.ones(len(images), dtype=torch.float64)
    scaled = images.weights / (total / n)
    images.weights = scaled.to(torch.get_default_dtype())
    if torch.all(images.weights == 1):
        images.weights = None
    return n, total


def check_criterion(criterion):
    """Raise ValueError for a criterion that cannot weight images.

    Parameters
    ----------
    criterion : torch loss
    """
    name = type(criterion).__name__
    if not hasattr(criterion, "reduction"):
        raise ValueError(
            f"Got sample_weight or class_weight and a criterion {name}, which "
            "cannot give the loss of each image: it has no attribute reduction. "
            + _REMEDY
        )
    if getattr(criterion, "weight", None) is not None:
        raise ValueError(
            f"Got sample_weight or class_weight and a criterion {name} with "
            "weights of its own. Pass class_weight instead of criterion__weight."
        )


def compute_weighted_loss(criterion, y_pred, y_encoded, weights):
    """Compute the loss of a batch of weighted images.

    Parameters
    ----------
    criterion : torch loss
    y_pred : tensor of shape (n, n_classes)
    y_encoded : tensor of shape (n,)
    weights : tensor of shape (n,)

    Returns
    -------
    tensor of shape ()
        Mean, or sum if the reduction of the criterion is the sum.
    """
    reduction = criterion.reduction
    criterion.reduction = "none"
    try:
        losses = criterion(y_pred, y_encoded)
    finally:
        criterion.reduction = reduction
    if losses.shape != weights.shape:
        raise ValueError(
            f"Got sample_weight or class_weight and a criterion "
            f"{type(criterion).__name__} that gives, with reduction='none', "
            f"a loss of shape {tuple(losses.shape)} for {len(weights)} images; "
            f"expected one for each image. {_REMEDY}"
        )
    losses = weights * losses
    return losses.sum() if reduction == "sum" else losses.mean()


def check_class_weight(class_weight):
    """Raise ValueError or TypeError for an invalid `class_weight`."""
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


def _compute_weight_of_each_class(class_weight, y, classes, sample_weight):
    """Return the weights in the order of `classes`; missing ones are 1."""
    weights = np.ones(len(classes))
    if isinstance(class_weight, str):  # "balanced"
        present = np.unique(y)
        weights[classes.searchsorted(present)] = compute_class_weight(
            class_weight, classes=present, y=y, sample_weight=sample_weight
        )
        return weights
    # scikit-learn's function would look up the string "7" as the integer 7
    labels = classes.tolist()
    known = set(labels)
    unknown = [label for label in class_weight if label not in known]
    unnamed = [label for label in labels if label not in class_weight]
    if unknown and unnamed:  # without the latter, a fold just lacks some classes
        raise ValueError(
            f"Got class_weight with the labels {unknown}, which are not among the "
            f"classes {labels}. Pass weights of these classes only."
        )
    for position, label in enumerate(labels):
        weights[position] = class_weight.get(label, 1.0)
    return weights
