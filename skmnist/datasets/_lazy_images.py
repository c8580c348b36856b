"""Images that are read when they are needed."""

import math

import numpy as np
from sklearn.utils import check_consistent_length

from skmnist.datasets._image_sources import ArraySource, ItemSource, find_source


class LazyImages:
    """Images of any source, which are read when they are needed.

    It is an X for `fit`, `predict` and `score` of the classifiers, and for everything
    in scikit-learn that splits X, such as `cross_val_score`, `GridSearchCV` and
    `train_test_split`: indexing by an array of positions, a mask or a slice gives
    `LazyImages` of the same source and reads nothing. Pickles hold the name of a file
    and the positions, not the pixels, unless the source itself is in memory.

    Parameters
    ----------
    source : object
        - a NumPy array or memory map, an h5py data set, an array of zarr or dask, or a
          tensor on any device, of shape (n, n_features), (n, height, width) or
          (n, channels, height, width);
        - a `torch.utils.data.Dataset` with a length, whose items are images or pairs
          (image, label), such as torchvision's `ImageFolder`, or skorch's
          `SliceDataset`;
        - a column of images of a Hugging Face data set, a column of arrays of a pandas
          or polars data frame, or a list of PIL images.

        All images have the same shape. Images of PIL, and arrays whose channels come
        last, are read with their channels first. The transforms of a `Dataset` should
        not be random: how often an image is read is not specified. Random changes of
        training images are the parameter `augmentation` of the classifiers.
    labels : array-like of shape (n,), default=None
        Labels of the images. None: those of a `Dataset`. They come from the attribute
        `targets` or `labels` of a data set of torchvision; those of others are read
        with its images, when they are first needed.

    Attributes
    ----------
    shape : tuple of int
        (n, n_features), (n, height, width) or (n, channels, height, width).
    ndim : int
        Number of dimensions.
    dtype : numpy.dtype
        Type of the pixels.
    nbytes : int
        Bytes that all images occupy in memory.
    may_draw : bool
        Whether reading runs code that may draw random numbers: that of a `Dataset`.
    labels : ndarray of shape (n,), or None
        Labels of the images; None if none are known.

    Raises
    ------
    TypeError
        If the source has no images that can be read by their position.
    ValueError
        If the source is empty, or its first item is no image, or if the number of
        labels differs from that of the images. Reading images raises ValueError or
        OSError if one cannot be read or differs in shape.

    See Also
    --------
    dataset_to_arrays : Reads a `Dataset` into memory.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmnist import MnistCNNClassifier
    >>> from skmnist.datasets import LazyImages, load_mnist_sample
    >>> sample = load_mnist_sample()
    >>> X = LazyImages(sample.images, labels=sample.target)
    >>> X
    LazyImages(shape=(5000, 28, 28), dtype=uint8)
    >>> X[X.labels == 7]
    LazyImages(shape=(500, 28, 28), dtype=uint8)
    >>> X[0].shape  # an image, as an array
    (28, 28)
    >>> clf = MnistCNNClassifier(max_epochs=1, random_state=0)
    >>> scores = cross_val_score(clf, X[::4], X[::4].labels, cv=2)
    >>> bool(scores.min() > 0.5)
    True

    A file that is larger than memory:

    >>> X = LazyImages(np.load("images.npy", mmap_mode="r"))  # doctest: +SKIP
    """

    def __init__(self, source, *, labels=None):
        if isinstance(source, LazyImages):
            vars(self).update(vars(source))
        else:
            self._source = _get_source(source)
            self._positions = None  # all
            self._image_shape = tuple(self._source.image_shape)
            self._dtype = np.dtype(self._source.dtype)
            self._labels = None  # those of the source
        if labels is not None:
            labels = np.asarray(labels)
            check_consistent_length(self, labels)
            self._labels = labels

    def __len__(self):
        return len(self._source if self._positions is None else self._positions)

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"

    @property
    def shape(self):
        return (len(self), *self._image_shape)

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def dtype(self):
        return self._dtype

    @property
    def nbytes(self):
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def labels(self):
        if self._labels is not None:
            return self._labels
        labels = self._source.labels
        if labels is None or self._positions is None:
            return labels
        return np.asarray(labels)[self._positions]

    def __getitem__(self, index):
        if isinstance(index, tuple):  # of scikit-learn: X[index, ...]
            index, *others = index
            if len(others) != 1 or others[0] is not ...:
                raise IndexError(
                    f"Got {len(others) + 1} indices for {self!r}, expected one: "
                    "positions of images. Convert it first: numpy.asarray(X)."
                )
        if isinstance(index, (int, np.integer)):
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"Got the index {index} for {self!r}.")
            return self.read(np.array([index % n]))[0]
        return self._view(index)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Got copy=False, but reading images makes a copy.")
        images = self.read()
        return images if dtype is None else images.astype(dtype, copy=False)

    def read(self, positions=None):
        """Read images into memory.

        Parameters
        ----------
        positions : array-like of int or bool, or slice, default=None
            Positions of the images, in any order, or a mask; None for all.

        Returns
        -------
        ndarray of shape (n, ...)
            A new array of the attributes' `dtype`.

        Raises
        ------
        ValueError, OSError
            If an image cannot be read, or differs from the first in shape.
        """
        chosen = slice(None) if positions is None else positions
        chosen = self._find_positions(chosen)
        if self._positions is not None:
            chosen = self._positions[chosen]
        images = self._source.read(chosen)
        with np.errstate(over="ignore"):  # infinity is found later
            images = images.astype(self.dtype, order="C", copy=False)
        return images.reshape(len(images), *self._image_shape)

    def with_layout(self, image_shape, dtype):
        """Return the same images in another layout and type.

        Parameters
        ----------
        image_shape : tuple of int
            Shape of each image, with as many pixels.
        dtype : numpy.dtype
            Type of the pixels that `read` returns.

        Returns
        -------
        LazyImages
            A view of the same source.
        """
        view = self._view(slice(None))
        view._image_shape, view._dtype = tuple(image_shape), np.dtype(dtype)
        return view

    @property
    def may_draw(self):
        """Whether reading may draw from the global random generators."""
        return self._source.may_draw

    def _view(self, index):
        view = object.__new__(type(self))
        vars(view).update(vars(self))
        if isinstance(index, slice) and index == slice(None):
            return view
        chosen = self._find_positions(index)
        if self._positions is not None:
            view._positions = self._positions[chosen]
        else:
            view._positions = chosen
        if self._labels is not None:
            view._labels = self._labels[chosen]
        return view

    def _find_positions(self, index):
        """Turn an index into an array of positions from 0, int64."""
        n = len(self)
        if isinstance(index, slice):
            return np.arange(*index.indices(n))
        chosen = np.asarray(index)
        if chosen.dtype == bool and chosen.shape == (n,):
            return np.flatnonzero(chosen)
        if chosen.shape == (0,):
            return np.arange(0)
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1:
            raise IndexError(
                f"Got an index of type {chosen.dtype} and shape {chosen.shape} for "
                f"{self!r}, expected positions, a mask of the images or a slice."
            )
        chosen = chosen.astype(np.int64, copy=False)
        if not -n <= chosen.min() <= chosen.max() < n:
            raise IndexError(
                f"Got positions from {chosen.min()} to {chosen.max()} for {self!r}."
            )
        return np.where(chosen < 0, chosen + n, chosen) if chosen.min() < 0 else chosen


def _get_source(source):
    if isinstance(source, (ArraySource, ItemSource)):
        return source
    if isinstance(source, np.ndarray) and source.ndim in (2, 3, 4):
        return find_source(source) or ArraySource(source)
    found = ArraySource(source) if hasattr(source, "index_select") else None
    found = found or find_source(source)
    if found is None:
        raise TypeError(
            f"Got a {type(source).__name__} as the source of LazyImages, expected an "
            "array of images, a torch Dataset, a column of images or a list of PIL "
            "images."
        )
    return found
