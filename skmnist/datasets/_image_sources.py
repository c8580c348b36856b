"""What images are read from: arrays of any library, files, data sets and sequences.

A source has a length, `image_shape` and `dtype` of each image, `labels`, and
`read(positions)`, which returns a new array. `may_draw` tells whether that runs code of
the user, which may draw random numbers.
"""

import os

import numpy as np
import torch
from scipy.sparse import issparse
from skorch.helper import SliceDataset
from torch.utils.data import (
    ConcatDataset,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
)

READ_BYTES = 2**26
"""Bytes to read from a file at once."""


def find_source(X):
    """Return a source that reads X, or None if X is a usual array, table or list.

    Parameters
    ----------
    X : object

    Returns
    -------
    source or None

    Raises
    ------
    TypeError, ValueError
        If X is a container that has no images, or needs to be unpacked first.
    """
    if isinstance(X, Dataset):
        return _from_dataset(X)
    if isinstance(X, np.ndarray):
        return MemoryMapSource(X) if find_memory_map(X) is not None else None
    if isinstance(X, torch.Tensor):
        return None
    library = type(X).__module__.partition(".")[0]
    if library == "zarr" and not hasattr(X, "shape"):
        raise TypeError(
            f"Got a zarr {type(X).__name__} as X, expected an array. Pass one of its "
            "arrays, such as group['images']."
        )
    if library == "datasets":
        return _from_hugging_face(X)
    if isinstance(X, SliceDataset):
        return ItemSource(X)
    if library in ("pandas", "polars"):
        return _from_column(X)
    if isinstance(X, (list, tuple)):
        return ItemSource(X) if len(X) and _is_picture(X[0]) else None
    is_array = all(hasattr(X, name) for name in ("dtype", "shape", "__getitem__"))
    if not is_array or issparse(X) or len(X.shape) < 2:
        return None
    return Hdf5Source(X) if library == "h5py" else ArraySource(X)


class ArraySource:
    """An array of any library, in memory or in a file.

    Parameters
    ----------
    array : array
        Of shape (n, n_features), (n, height, width) or (n, channels, height, width);
        the channels may also come last. Indexing by increasing positions is enough.
    labels : ndarray of shape (n,), default=None
    """

    may_draw = False

    def __init__(self, array, labels=None):
        if isinstance(array, np.ndarray):
            array = np.asarray(array)  # not np.memmap, whose results are such again
        if isinstance(array, torch.Tensor):
            array = array.detach()
        self.array = array
        self.labels = labels
        if len(array.shape) not in (2, 3, 4):
            raise ValueError(
                f"Got a {type(array).__name__} of shape {tuple(array.shape)}, expected "
                "(n, n_features), (n, height, width) or (n, channels, height, width)."
            )
        self.image_shape = tuple(map(int, array.shape[1:]))
        self.channels_last = has_channels_last(self.image_shape)
        if self.channels_last:
            self.image_shape = self.image_shape[2], *self.image_shape[:2]
        self.dtype = _to_numpy(array[:0]).dtype

    def __len__(self):
        return int(self.array.shape[0])

    def read(self, positions):
        images = self._read(positions)
        return np.moveaxis(images, 3, 1) if self.channels_last else images

    def _read(self, positions):
        if isinstance(self.array, np.ndarray):
            flags = self.array.flags
            if flags.c_contiguous and flags.aligned and self.array.dtype.isnative:
                return self.array.take(positions, axis=0)  # faster than an index
            return self.array[positions]  # take would copy the whole array first
        if isinstance(self.array, torch.Tensor):
            positions = torch.from_numpy(positions).to(self.array.device)
            return _to_numpy(self.array.index_select(0, positions))
        # h5py needs increasing positions, others read each chunk of a file once
        ordered, inverse = np.unique(positions, return_inverse=True)
        if not len(ordered):
            return np.empty((0, *self.array.shape[1:]), self.dtype)
        first, last = int(ordered[0]), int(ordered[-1])
        if last - first + 1 == len(ordered):
            images = self.array[first : last + 1]
        else:
            others = (slice(None),) * (len(self.array.shape) - 1)
            images = self.array[(ordered, *others)]
        return np.asarray(images)[inverse]


class MemoryMapSource(ArraySource):
    """A memory map, or a view of one. Its pickle holds the name of the file.

    Contiguous images are read from the file, not through the map: with large files, and
    with those that are not in the page cache, that takes a fraction of the time.
    """

    def __init__(self, array, labels=None):
        super().__init__(array, labels)
        self.memory_map = find_memory_map(self.array)
        self.offset = _get_address(self.array) - _get_address(self.memory_map)
        self.file_id = _get_file_id(os.stat(self.memory_map.filename))
        last = np.arange(len(self))[-1:]
        if self._read(last).tobytes() != super()._read(last).tobytes():
            raise self._make_error("replaced")

    def _read(self, positions):
        with open(self.memory_map.filename, "rb", buffering=0) as file:
            self._check_file(os.fstat(file.fileno()))
            if not self.array[:1].flags.c_contiguous:
                return super()._read(positions)
            images = np.empty((len(positions), *self.array.shape[1:]), self.array.dtype)
            pixels = memoryview(images.reshape(-1).view(np.uint8))
            size = self.array[:1].nbytes
            start = self.memory_map.offset + self.offset
            starts = start + self.array.strides[0] * positions
            if (np.diff(starts) == size).all():
                step = max(1, READ_BYTES // max(1, size))
                rows = range(0, len(positions), step)
            else:
                step = 1
                rows = starts.argsort().tolist()  # files are read best front to back
            for row in rows:
                part = pixels[row * size : (row + step) * size]
                file.seek(int(starts[row]))
                if file.readinto(part) < len(part):
                    raise self._make_error("shortened")
        return images

    def __getstate__(self):
        return {
            "filename": os.path.abspath(self.memory_map.filename),
            "file_offset": self.memory_map.offset,
            "n_bytes": self.memory_map.nbytes,
            "offset": self.offset,
            "shape": self.array.shape,
            "strides": self.array.strides,
            "dtype": self.array.dtype,
            "labels": self.labels,
        }

    def __setstate__(self, state):
        file = np.memmap(
            state["filename"],
            mode="r",
            offset=state["file_offset"],
            shape=state["n_bytes"],
        )
        layout = state["shape"], state["dtype"], file, state["offset"], state["strides"]
        self.__init__(np.ndarray(*layout), state["labels"])

    def _check_file(self, status):
        """Raise OSError if this is another file, or shorter: the map would crash."""
        if status.st_size < self.memory_map.offset + self.memory_map.nbytes:
            raise self._make_error("shortened")
        if _get_file_id(status) != self.file_id:
            raise self._make_error("replaced")

    def _make_error(self, change):
        name = self.memory_map.filename
        expected = self.memory_map.offset + self.memory_map.nbytes
        return OSError(
            f"Got the memory map {name} of {os.path.getsize(name):,} bytes, expected "
            f"{expected:,}: the file has been {change} since it was opened. Open it "
            "again, or write it again first."
        )


class Hdf5Source(ArraySource):
    """A data set of an HDF5 file. Its pickle holds the names of both."""

    def __getstate__(self):
        filename = os.path.abspath(self.array.file.filename)
        return {"filename": filename, "name": self.array.name, "labels": self.labels}

    def __setstate__(self, state):
        import h5py

        self.__init__(h5py.File(state["filename"], "r")[state["name"]], state["labels"])


class ItemSource:
    """A data set or sequence, read item by item: images, or pairs (image, label).

    Parameters
    ----------
    items : object with a length and indices
        Its images are arrays, tensors or PIL images, all of the same shape.
    labels : ndarray of shape (n,), default=None
        None: those of the items, if they are pairs.
    """

    def __init__(self, items, labels=None):
        self.items = items
        self.may_draw = isinstance(items, (Dataset, SliceDataset))
        self._labels = labels
        self._labels_read = {}
        if not len(items):
            raise ValueError(
                f"Got an empty {type(items).__name__}, expected at least one image."
            )
        image, _ = self.read_item(0)
        self.image_shape, self.dtype = image.shape, image.dtype
        if image.ndim not in (1, 2, 3):
            raise ValueError(
                f"Got a {type(items).__name__} with items of shape {image.shape}, "
                "expected images of shape (height, width) or (channels, height, width)."
            )

    def __len__(self):
        return len(self.items)

    @property
    def labels(self):
        if self._labels is None and self._labels_read:
            for position in range(len(self)):
                if position not in self._labels_read:
                    self.read_item(position)
            self._labels = np.asarray([self._labels_read[i] for i in range(len(self))])
            self._labels_read = {}
        return self._labels

    def read(self, positions):
        images = np.empty((len(positions), *self.image_shape), self.dtype)
        for row, position in enumerate(positions):
            images[row], _ = self.read_item(int(position))
        return images

    def read_item(self, position):
        """Read an image and its label, which is None if there is none.

        Raises
        ------
        ValueError, OSError
            If it cannot be read, or differs from the first in shape or type.
        """
        try:
            item = self.items[position]
            is_pair = isinstance(item, (tuple, list)) and len(item) == 2
            is_pair = is_pair and np.ndim(item[1]) == 0 and not _is_picture(item[1])
            image, label = item if is_pair else (item, None)
            image = to_array(image)
        except Exception as error:  # any error of a decoder, or of the user's code
            raise (OSError if isinstance(error, OSError) else ValueError)(
                f"Got no image from item {position} of a {type(self.items).__name__}, "
                f"expected an image, or a pair (image, label). {type(error).__name__}: "
                f"{error}. Repair it, or leave it out."
            ) from error
        if label is not None and self._labels is None:
            self._labels_read[position] = label
        if image.dtype.kind not in "buif":
            raise ValueError(
                f"Got an item {position} of a {type(self.items).__name__} of type "
                f"{type(item).__name__}, expected an image, or a pair (image, label)."
            )
        shape = getattr(self, "image_shape", image.shape)
        if image.shape != shape:
            raise ValueError(
                f"Got an image of shape {image.shape} as item {position} of a "
                f"{type(self.items).__name__}, expected {shape}, the shape of item 0. "
                "Convert all images to the same number of channels and resize them, "
                "for example by a transform of the data set: "
                "torchvision.transforms.v2.Resize((height, width))."
            )
        dtype = getattr(self, "dtype", image.dtype)
        if not np.can_cast(image.dtype, dtype):
            raise ValueError(
                f"Got an image of type {image.dtype} as item {position} of a "
                f"{type(self.items).__name__}, expected {dtype}, the type of item 0. "
                "Convert all images to the same type."
            )
        return image, label


def to_array(image):
    """Convert a PIL image, array, tensor or nested list to an array.

    Parameters
    ----------
    image : object

    Returns
    -------
    ndarray of shape (height, width) or (channels, height, width)
        Pictures with a palette, or in a colour space for print, become RGB.
    """
    if _is_picture(image):
        if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGB")
        array = np.asarray(image)
        return np.moveaxis(array, 2, 0) if array.ndim == 3 else array
    return channels_first(_stack(_to_numpy(image)))


def _stack(array):
    """Stack an array of arrays, to which NumPy converts nested lists of polars."""
    if array.dtype != object or array.ndim != 1 or not len(array):
        return array
    return np.stack([_stack(np.asarray(part)) for part in array])


def channels_first(images):
    """Move the channels of (..., height, width, channels), if they come last."""
    if has_channels_last(images.shape[-3:]):
        return np.ascontiguousarray(np.moveaxis(images, -1, -3))
    return images


def has_channels_last(image_shape):
    """Whether the shape of an image reveals that its channels come last."""
    few = (1, 3, 4)
    return len(image_shape) == 3 and image_shape[2] in few and image_shape[0] not in few


def get_arrays(dataset):
    """Return the arrays that hold all samples of a data set of torchvision, or None.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset

    Returns
    -------
    tuple (images, labels) of ndarray, or None
        None for data sets of other kinds, and with transforms.
    """
    if _reads_as(dataset, Subset):
        arrays = get_arrays(dataset.dataset)
        indices = np.asarray(dataset.indices, dtype=int)
        return arrays and tuple(array[indices] for array in arrays)
    if not _is_of_torchvision(dataset) or any(
        getattr(dataset, name, None) is not None
        for name in ("transform", "target_transform", "transforms")
    ):
        return None
    data, targets = getattr(dataset, "data", None), getattr(dataset, "targets", None)
    if not isinstance(data, (np.ndarray, torch.Tensor)) or targets is None:
        return None
    X, y = np.asarray(data), np.asarray(targets)
    if X.ndim not in (3, 4) or not X.shape[:1] == y.shape == (len(dataset),):
        return None
    if X.ndim == 4:
        X = channels_first(X)
    return X, y


def find_memory_map(array):
    """Return the memory map that an array is a view of, or None.

    One that keeps changes from its file (mode "c") does not count.
    """
    found = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            found = array  # the last one: attributes of views may be wrong
        array = array.base
    is_file = found is not None and found.filename is not None and found.mode != "c"
    return found if is_file else None


def _to_numpy(values):
    """Convert a tensor, or anything else that NumPy can convert."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        if values.dtype == torch.bfloat16:  # NumPy has no such type
            values = values.float()
    return np.asarray(values)


def _get_file_id(status):
    """Return what tells a file from another one of the same name, from `os.stat`."""
    return status.st_dev, status.st_ino


def _get_address(array):
    return array.__array_interface__["data"][0]


def _from_dataset(dataset):
    if isinstance(dataset, IterableDataset):
        raise TypeError(
            f"Got an IterableDataset ({type(dataset).__name__}) as X, which has no "
            "length and no order to shuffle. Pass its chunks to partial_fit, or turn "
            "it into arrays: X, y = skmnist.datasets.dataset_to_arrays(dataset)."
        )
    if not hasattr(dataset, "__len__"):
        raise TypeError(
            f"Got a Dataset ({type(dataset).__name__}) as X that has no length. Define "
            "its method __len__."
        )
    if _reads_as(dataset, TensorDataset) and len(dataset.tensors) <= 2:
        labels = [np.asarray(tensor.cpu()) for tensor in dataset.tensors[1:]]
        return ArraySource(dataset.tensors[0], *labels)
    arrays = get_arrays(dataset)
    if arrays is not None:
        return ArraySource(*arrays)
    return ItemSource(dataset, _get_labels(dataset))


def _get_labels(dataset):
    """Return the labels of a data set without reading its images, or None."""
    if _reads_as(dataset, Subset):
        labels = _get_labels(dataset.dataset)
        return None if labels is None else labels[np.asarray(dataset.indices, int)]
    if _reads_as(dataset, ConcatDataset):
        labels = [_get_labels(part) for part in dataset.datasets]
        return None if any(part is None for part in labels) else np.concatenate(labels)
    if _reads_as(dataset, TensorDataset) and len(dataset.tensors) == 2:
        return np.asarray(dataset.tensors[1].cpu())
    if not _is_of_torchvision(dataset):
        return None
    labels = getattr(dataset, "targets", getattr(dataset, "labels", None))
    if labels is None or np.shape(labels) != (len(dataset),):
        return None
    transform = getattr(dataset, "target_transform", None)
    if transform is not None:
        labels = [transform(label) for label in labels]
    return np.asarray(labels)


def _reads_as(dataset, cls):
    """Whether a class reads the items, not one derived from it."""
    return isinstance(dataset, cls) and type(dataset).__getitem__ is cls.__getitem__


def _is_of_torchvision(dataset):
    """Whether torchvision reads the items; subclasses may return others."""
    return type(dataset).__getitem__.__module__.partition(".")[0] == "torchvision"


def _from_hugging_face(X):
    if hasattr(X, "column_names"):
        columns = X.column_names
        raise TypeError(
            f"Got a Hugging Face {type(X).__name__} with the columns {columns} as X, "
            "expected its column of images. Pass that one, and the labels as y: "
            "dataset['image'], dataset['label']."
        )
    if not hasattr(X, "__len__"):
        raise TypeError(
            f"Got a Hugging Face {type(X).__name__} as X that has no length: it is a "
            "stream. Load the data set without streaming=True, or pass its chunks to "
            "partial_fit."
        )
    return ItemSource(X)


def _from_column(X):
    """Return a source for a column of a data frame that holds images, or None."""
    if len(X.shape) != 1:
        return None
    if hasattr(X, "iloc"):
        return ItemSource(list(X)) if X.dtype == object and len(X) else None
    if type(X.dtype).__name__ == "Array":
        return ArraySource(X.to_numpy())
    return ItemSource(X) if type(X.dtype).__name__ == "List" else None


def _is_picture(image):
    """Whether this is an image of PIL."""
    return hasattr(image, "convert") and hasattr(image, "mode")
