"""Label smoothing that falls with the learning rate."""

import torch

from skmnist.callbacks import OneCycleLR
from skmnist.networks import uncompiled


def get_label_smoothing(estimator):
    """Return the fraction of each label that is spread over all classes now.

    Parameters
    ----------
    estimator : ImageClassifier
        In training, with initialized callbacks and criterion.

    Returns
    -------
    float
        `label_smoothing`, times the current fraction of the peak learning rate; 0
        without a cycle of the learning rate, or with a criterion that is not an
        `NLLLoss`.
    """
    if not estimator.label_smoothing:
        return 0.0
    if not isinstance(uncompiled(estimator.criterion_), torch.nn.NLLLoss):
        return 0.0
    cycles = [cb for _, cb in estimator.callbacks_ if isinstance(cb, OneCycleLR)]
    return estimator.label_smoothing * max((cb.fraction_ for cb in cycles), default=0.0)


def smooth_loss(loss, log_probabilities, weights, smoothing, reduction):
    """Mix the loss of the labels with that of labels spread over all classes.

    Parameters
    ----------
    loss : tensor of shape ()
        Negative log-likelihood of the labels of a batch.
    log_probabilities : tensor of shape (n, n_classes)
    weights : tensor of shape (n,) or None
        Weights of the images.
    smoothing : float
        Fraction of the labels that is spread, in [0, 1).
    reduction : {"mean", "sum"}
        How `loss` combines those of the images.

    Returns
    -------
    tensor of shape ()
    """
    spread = -log_probabilities.mean(dim=1)
    if weights is not None:
        spread = weights * spread
    spread = spread.sum() if reduction == "sum" else spread.mean()
    return torch.lerp(loss, spread, smoothing)
