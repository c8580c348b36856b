"""Conversion of torch data sets to arrays."""

import numpy as np
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._image_sources import get_arrays, to_array


def dataset_to_arrays(dataset, *, return_X_y=True):
    """Convert an image data set of torch or torchvision to arrays.

    A torchvision data set that keeps its images in `data` and its labels in `targets`
    (MNIST, FashionMNIST, KMNIST, EMNIST, CIFAR10, ...) is read at once, and so is a
    `torch.utils.data.Subset` of one. Every other data set, and every data set with a
    transform, is read sample by sample, so that its transforms are applied.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        A data set whose items are pairs (image, label). The images are PIL images,
        arrays or tensors of the same shape.
    return_X_y : bool, default=True
        Whether to return `(X, y)` instead of a Bunch, which has the names of the
        classes as well.

    Returns
    -------
    X : ndarray of shape (n, height, width) or (n, channels, height, width)
        Pixels, in the dtype of the data set.
    y : ndarray of shape (n,)
        Labels.
    bunch : sklearn.utils.Bunch
        With `return_X_y=False`, instead of X and y: a Bunch like that of `fetch_mnist`,
        where `images` is X and `target` is y. `target_names` is the attribute `classes`
        of the data set if its labels are positions in it and not transformed, so that
        `target_names[target]` are the names of the labels. Otherwise it is the sorted
        labels.

    Raises
    ------
    TypeError
        If `dataset` is not a torch data set, or its items are not pairs.
    ValueError
        If the data set is empty, or its images differ in shape; or for a Bunch, if its
        items are not images.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from skmnist.datasets import dataset_to_arrays
    >>> images, labels = torch.zeros(3, 1, 28, 28), torch.tensor([0, 1, 2])
    >>> X, y = dataset_to_arrays(TensorDataset(images, labels))
    >>> X.shape, y
    ((3, 1, 28, 28), array([0, 1, 2]))

    The names of the classes of a folder of images, for example:

    >>> from torchvision.datasets import ImageFolder
    >>> photos = dataset_to_arrays(
    ...     ImageFolder("photos"), return_X_y=False
    ... )  # doctest: +SKIP
    >>> y = photos.target_names[photos.target]  # doctest: +SKIP
    """
    if not isinstance(dataset, Dataset):
        remedy = " Pass its .dataset." if isinstance(dataset, DataLoader) else ""
        raise TypeError(
            f"Got {type(dataset).__name__}, expected a torch.utils.data.Dataset of "
            f"(image, label) pairs.{remedy}"
        )
    arrays = get_arrays(dataset)
    X, y = arrays if arrays is not None else _read_samples(dataset)
    if return_X_y:
        return X, y
    if X.ndim not in (3, 4):
        raise ValueError(
            f"Got items of shape {X.shape[1:]}, expected images of shape (height, "
            "width) or (channels, height, width). Pass return_X_y=True."
        )
    return make_bunch(
        X,
        y,
        f"Converted from {type(dataset).__module__}.{type(dataset).__qualname__}.",
        target_names=_get_class_names(dataset, y),
        return_X_y=False,
        as_frame=False,
    )


def _get_class_names(dataset, y):
    """Return the names of the classes, or the sorted labels if they have none."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    names = getattr(dataset, "classes", None)
    if (
        isinstance(names, (list, tuple, np.ndarray))
        and getattr(dataset, "target_transform", None) is None
        and y.ndim == 1
        and y.dtype.kind in "iu"
        and y.min() >= 0
        and y.max() < len(names)
    ):
        return np.asarray(names)
    return np.unique(y)


def _read_samples(dataset):
    """Read the images and labels of a data set one by one."""
    if isinstance(dataset, IterableDataset):
        samples = iter(dataset)
    else:
        samples = (dataset[i] for i in range(len(dataset)))
    images, labels = [], []
    for position, sample in enumerate(samples):
        if not isinstance(sample, (tuple, list)) or len(sample) != 2:
            raise TypeError(
                f"Got {type(sample).__name__} as item {position} of the data set, "
                "expected a pair (image, label)."
            )
        image = to_array(sample[0])
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"Got an image of shape {image.shape} at position {position}, expected "
                f"{images[0].shape}, the shape of the first. Resize all images to the "
                "same shape: pass transform=torchvision.transforms.v2.Resize(...) to "
                "the data set."
            )
        images.append(image)
        labels.append(sample[1])
    if not images:
        raise ValueError("Got an empty data set, expected at least one sample.")
    return np.stack(images), np.asarray(labels)
