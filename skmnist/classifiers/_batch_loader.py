"""Whole batches, cut from one tensor: no sample is ever handled by itself."""

import copy

import numpy as np
import torch
from skorch.dataset import Dataset
from torch.utils.data import Subset

PREDICTION_BATCH = 512
"""Images that prediction looks at together, unless the user says otherwise."""


class LabelledImages(Dataset):
    """Images and labels as skorch's machinery wants them.

    An item, or a batch of items, is (images, codes), or (images, (codes, weights)):
    what the network and the loss take. `X` and `y` are (images, labels): what scorers
    take.

    Parameters
    ----------
    X : tensor of shape (n, C, H, W)
    y : ndarray of shape (n,), or None
        Labels; None where there are none, as in prediction.
    classes : ndarray of shape (n_classes,)
        All labels, sorted: the code of a label is its position here.
    weights : ndarray of shape (n,) or None
        How much each image counts in the loss; None where all count the same.
    """

    def __init__(self, X, y, classes, weights=None):
        super().__init__(X, y)
        if y is None:
            self.codes = torch.zeros(len(X), dtype=torch.int64)
        else:
            self.codes = torch.from_numpy(classes.searchsorted(y))
        self.weights = None if weights is None else torch.from_numpy(weights)

    def __getitem__(self, index):
        if self.weights is None:
            return self.X[index], self.codes[index]
        return self.X[index], (self.codes[index], self.weights[index])


def weights_of(dataset):
    """Weights of the images of `LabelledImages`, or of a `Subset` of them.

    Parameters
    ----------
    dataset : data set

    Returns
    -------
    ndarray of shape (n,), or None where there are no weights
    """
    if not is_own(dataset):
        return None
    if isinstance(dataset, Subset):
        weights = weights_of(dataset.dataset)
        return None if weights is None else weights[dataset.indices]
    return None if dataset.weights is None else dataset.weights.numpy()


def with_array_indices(dataset):
    """A `Subset` with arrays for indices, which a slice or an array can index.

    Parameters
    ----------
    dataset : data set, or None

    Returns
    -------
    data set, or None
        Anything but a `Subset` is returned as it is.
    """
    if not isinstance(dataset, Subset):
        return dataset
    copied = copy.copy(dataset)  # of a class derived from Subset, it may be
    copied.dataset = with_array_indices(dataset.dataset)
    copied.indices = np.asarray(dataset.indices, dtype=np.int64)
    return copied


def is_own(X):
    """Whether X is the data set of a training, or a part of it."""
    while isinstance(X, Subset):
        X = X.dataset
    return isinstance(X, LabelledImages)


def check_known(labels, classes):
    """Raise ValueError if there is a label that is not among the classes."""
    unknown = sorted({*labels.tolist()} - {*classes.tolist()})
    if unknown:
        raise ValueError(
            f"Got y with the labels {unknown}, which are not among the "
            f"classes {classes.tolist()}. Pass all labels that will ever come to the "
            "first call: in y of fit, or as classes of partial_fit."
        )


class Batches:
    """Iterate over a data set in batches that are slices of it.

    Parameters
    ----------
    dataset : Dataset
        One that takes a slice, or an array of positions, as index.
    batch_size : int
        Images in a batch; the last one may be smaller.
    shuffle : bool, default=False
        Whether to draw a new order, from torch's global generator, for each pass.
    """

    def __init__(self, dataset, batch_size, shuffle=False):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).numpy() if self.shuffle else None
        for start in range(0, n, self.batch_size):
            chosen = slice(start, start + self.batch_size)
            yield self.dataset[chosen if order is None else order[chosen]]
