"""Data sets and loaders that slice whole batches from one tensor."""

import copy
from itertools import pairwise

import numpy as np
import torch
from sklearn.utils import assert_all_finite
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, Subset

from skmnist.datasets import LazyImages

CPU_BATCH_SIZE, GPU_BATCH_SIZE = 128, 512
"""Images per batch in prediction: few stay in the cache of a core, many fill a GPU."""


class LabelledImages(Dataset):
    """Images with labels and sample weights.

    An item, or a batch of items, is (images, y_encoded) or
    (images, (y_encoded, weights)), for the network and the loss. The attributes `X` and
    `y` are images and labels, for scorers.

    Parameters
    ----------
    X : tensor or LazyImages of shape (n, C, H, W)
    y : ndarray of shape (n,), or None
        Labels; None in prediction.
    classes : ndarray of shape (n_classes,)
        All labels, sorted; an encoded label is its position here.
    weights : ndarray of shape (n,), default=None
        Weights of the images in the loss; None if all are equal.
    positions : ndarray of shape (n,), default=None
        Positions of the images in the data that they were taken from; None if these are
        all images.
    """

    def __init__(self, X, y, classes, weights=None, positions=None):
        super().__init__(X, y)
        self.positions = positions
        if y is None:
            self.y_encoded = torch.zeros(1, dtype=torch.uint8).expand(len(X))
        else:
            # int64, which losses take, would be a large part of the memory of a
            # training whose images stay in a file
            dtype = np.uint8 if len(classes) <= 256 else np.int64
            self.y_encoded = torch.from_numpy(classes.searchsorted(y).astype(dtype))
        self.weights = None if weights is None else torch.from_numpy(weights)

    def __getitem__(self, index):
        images = select(self.X, index)
        y_encoded = select(self.y_encoded, index).long()
        if self.weights is None:
            return images, y_encoded
        return images, (y_encoded, select(self.weights, index))


def select(images, index):
    """Select images, or what belongs to them, and read them if they are lazy.

    Parameters
    ----------
    images : tensor or LazyImages
    index : int, slice or ndarray of int64

    Returns
    -------
    tensor

    Raises
    ------
    ValueError, OSError
        If images that are read are damaged, not finite or differ in shape.
    """
    if isinstance(images, LazyImages):
        if not isinstance(index, (slice, np.ndarray)):
            return select(images, np.array([index]))[0]
        pixels = images.read(index)
        assert_all_finite(pixels, input_name="X")
        return torch.from_numpy(pixels)
    if isinstance(index, np.ndarray):
        # copies whole images; indexing by an array copies pixel by pixel
        return images.index_select(0, torch.from_numpy(index))
    return images[index]


class WithPositions(torch.utils.data.Dataset):
    """A data set whose targets come with the positions of the images.

    An item, or a batch of items, is (images, (targets, positions)), where
    (images, targets) is that of the original data set.

    Parameters
    ----------
    dataset : data set
        `LabelledImages`, or a `Subset` of them; in other data sets, positions are
        indices.
    """

    def __init__(self, dataset):
        self.dataset = dataset
        self.positions = torch.from_numpy(get_positions(dataset))

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        images, targets = self.dataset[index]
        return images, (targets, self.positions[index])


class TensorBatchLoader:
    """Iterate over a data set in batches, each with one indexing operation.

    Parameters
    ----------
    dataset : Dataset
        Takes a slice, or an array of positions, as index.
    batch_size : int
        Images per batch; the last batch may be smaller. A single image that remains
        joins the batch before it: batch normalization cannot train on one image.
    shuffle : bool, default=False
        Whether to draw a new order, from torch's global generator, for each pass.
    num_workers : int, default=0
        Number of processes that read lazy images ahead, as in `DataLoader`; 0 reads in
        this process. They help where reading takes long: with files of pictures.
    """

    def __init__(self, dataset, batch_size, shuffle=False, num_workers=0):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.num_workers = num_workers

    def __len__(self):
        return len(self._get_starts())

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).numpy() if self.shuffle else None
        batches = [slice(*ends) for ends in pairwise([*self._get_starts(), n])]
        if order is not None:
            batches = [order[chosen] for chosen in batches]
        images = _find_lazy_images(self.dataset)
        if images is None or not self.num_workers:
            yield from map(self.dataset.__getitem__, batches)
            return
        # a generator of its own: reading draws nothing from the global one
        generator = torch.Generator().manual_seed(torch.initial_seed())
        yield from DataLoader(
            self.dataset,
            batch_size=None,
            sampler=batches,
            num_workers=self.num_workers,
            collate_fn=_return_unchanged,
            generator=generator,
        )

    def _get_starts(self):
        """Return the positions at which the batches start, as a range."""
        n = len(self.dataset)
        single_left = 1 < self.batch_size < n and n % self.batch_size == 1
        return range(0, n - single_left, self.batch_size)


def _find_lazy_images(dataset):
    """Return the `LazyImages` of a data set, or of the one it is a part of, or None."""
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    images = getattr(dataset, "X", None)
    return images if isinstance(images, LazyImages) else None


def _return_unchanged(batch):
    return batch


def training_batch_size(n_images):
    """Return the images per training batch with `batch_size="auto"`.

    Parameters
    ----------
    n_images : int

    Returns
    -------
    int
        256, or fewer so that a small data set makes about 64 batches, but at least 32.
    """
    return min(256, max(32, n_images // 64))


def prediction_batch_size(device):
    """Return the images per batch in prediction, unless the user sets a number.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    int
    """
    return CPU_BATCH_SIZE if device.type == "cpu" else GPU_BATCH_SIZE


def is_labelled_images(X):
    """Return whether X is a `LabelledImages`, or a `Subset` of one."""
    while isinstance(X, Subset):
        X = X.dataset
    return isinstance(X, LabelledImages)


def get_sample_weight(dataset):
    """Return the weights of `LabelledImages`, or of a `Subset` of them.

    Returns
    -------
    ndarray of shape (n,), or None
        None if there are no weights, or for other data sets.
    """
    if not is_labelled_images(dataset):
        return None
    if isinstance(dataset, Subset):
        weights = get_sample_weight(dataset.dataset)
        return None if weights is None else weights[dataset.indices]
    return None if dataset.weights is None else dataset.weights.numpy()


def get_positions(dataset):
    """Return the positions of `LabelledImages`, or of a `Subset` of them.

    Returns
    -------
    ndarray of shape (n,), int64
        Positions in the data that the images were taken from.
    """
    if isinstance(dataset, Subset):
        return get_positions(dataset.dataset)[dataset.indices]
    if isinstance(dataset, LabelledImages) and dataset.positions is not None:
        return dataset.positions
    return np.arange(len(dataset))


def index_by_array(dataset):
    """Return a `Subset` with an array of indices, which slices and arrays can index.

    Parameters
    ----------
    dataset : data set, or None

    Returns
    -------
    data set, or None
        Anything but a `Subset` is returned unchanged.
    """
    if not isinstance(dataset, Subset):
        return dataset
    copied = copy.copy(dataset)  # its class may be derived from Subset
    copied.dataset = index_by_array(dataset.dataset)
    copied.indices = np.array(dataset.indices, dtype=np.int64)  # writable
    return copied
