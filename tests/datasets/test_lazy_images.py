"""Images that are read when they are needed."""

import pickle
import tracemalloc

import numpy as np
import polars as pl
import pytest
import torch
from image_containers import CONTAINERS, WITH_LABELS, Pairs, write_npy
from PIL import Image
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from skmnist.datasets import LazyImages

N = 60


@pytest.fixture(scope="module")
def data():
    """Images (60, 5, 4) and labels (60,), sorted as in a folder."""
    X = np.random.default_rng(0).integers(0, 256, (N, 5, 4), dtype=np.uint8)
    return X, np.arange(N) // 20


@pytest.fixture(params=CONTAINERS)
def lazy(request, data, tmp_path):
    return LazyImages(CONTAINERS[request.param](*data, tmp_path))


def as_read(images, X):
    return images.reshape(len(images), *X.shape[1:]).astype(X.dtype)


@pytest.mark.parametrize("shape", [(3, 16), (3, 4, 4), (3, 3, 4, 4)])
def test_lists_of_polars_keep_their_type(shape):
    X = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    dtype = pl.UInt8
    for _ in shape[1:]:
        dtype = pl.List(dtype)
    lazy = LazyImages(pl.Series(X.tolist(), dtype=dtype))
    assert lazy.dtype == X.dtype
    np.testing.assert_array_equal(lazy.read(), X)


def test_lists_of_polars_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match="item 0 of a Series"):
        LazyImages(pl.Series([[[1, 2], [3]]]))


def test_reads_what_an_array_holds(lazy, data):
    X, _ = data
    assert lazy.shape in ((N, 5, 4), (N, 1, 5, 4))
    assert lazy.ndim == len(lazy.shape)
    assert lazy.nbytes == lazy.read().nbytes
    np.testing.assert_array_equal(as_read(lazy.read(), X), X)
    np.testing.assert_array_equal(as_read(np.asarray(lazy), X), X)
    positions = np.array([3, 59, 3, 0, 17])  # in any order, and one twice
    found = lazy.read(positions)
    np.testing.assert_array_equal(as_read(found, X), X[positions])
    assert found.flags.writeable
    assert found.dtype == lazy.dtype
    np.testing.assert_array_equal(as_read(lazy.read(slice(7, 20, 3)), X), X[7:20:3])
    mask = np.arange(N) % 9 == 4
    np.testing.assert_array_equal(as_read(lazy.read(mask), X), X[mask])
    np.testing.assert_array_equal(as_read(lazy.read([-1, 2]), X), X[[-1, 2]])
    assert lazy.read(np.array([], dtype=int)).shape == (0, *lazy.shape[1:])


INDICES = {
    "all": slice(None),
    "backwards": slice(50, 2, -7),
    "list": [5, 5, 1],
    "negative": np.array([-1, 0, -60]),
    "mask": np.arange(N) % 7 == 3,
    "with an ellipsis": (np.array([4, 2]), ...),
    "none": np.array([], dtype=int),
    "small integers": np.array([8], dtype=np.uint8),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_an_index_gives_a_view(lazy, data, index):
    X, _ = data
    expected = X[index]
    view = lazy[index]
    assert isinstance(view, LazyImages)
    assert view.shape == (len(expected), *lazy.shape[1:])
    np.testing.assert_array_equal(as_read(view.read(), X), expected)
    some = view[: len(view) // 2]
    np.testing.assert_array_equal(
        as_read(some.read(), X), expected[: len(expected) // 2]
    )


def test_one_image_and_iteration(lazy, data):
    X, _ = data
    np.testing.assert_array_equal(np.squeeze(lazy[-1]), X[-1])
    assert len(list(lazy[:3])) == 3
    assert lazy[[]].shape[0] == 0
    for index in (N, -N - 1):
        with pytest.raises(IndexError, match=f"index {index}"):
            lazy[index]


@pytest.mark.parametrize("name", CONTAINERS)
def test_labels(name, data, tmp_path):
    X, y = data
    lazy = LazyImages(CONTAINERS[name](X, y, tmp_path))
    if name not in WITH_LABELS:
        assert lazy.labels is None
        lazy = LazyImages(lazy, labels=y.astype(str))
        y = y.astype(str)
    np.testing.assert_array_equal(lazy.labels, y)
    np.testing.assert_array_equal(lazy[[3, 40]][::-1].labels, y[[40, 3]])


def test_pickles(lazy, data):
    X, _ = data
    copied = pickle.loads(pickle.dumps(lazy[10:50][::3]))
    np.testing.assert_array_equal(as_read(copied.read(), X), X[10:50][::3])


@pytest.mark.parametrize("name", ["memory map", "part of a memory map", "h5py", "zarr"])
def test_pickles_of_files_hold_no_pixels(name, tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (N, 50, 40), dtype=np.uint8)
    lazy = LazyImages(CONTAINERS[name](X, np.arange(N), tmp_path))
    assert len(pickle.dumps(lazy)) < 4000 < X[:10].nbytes
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(lazy))[5:9]))
    np.testing.assert_array_equal(again.read(), X[5:9])


def test_changes_that_are_not_in_the_file_are_pickled(data, tmp_path):
    X, _ = data
    array = np.load(write_npy(X, tmp_path), mmap_mode="c")
    array[0] = 7
    copied = pickle.loads(pickle.dumps(LazyImages(array)))
    assert (copied[0] == 7).all()


def test_train_test_split(lazy, data):
    X, y = data
    parts = train_test_split(lazy, y, stratify=y, random_state=0)
    expected = train_test_split(X, y, stratify=y, random_state=0)
    for part, right in zip(parts[:2], expected[:2], strict=True):
        np.testing.assert_array_equal(as_read(part.read(), X), right)


def test_a_shortened_file(tmp_path):
    X = np.zeros((100, 28, 28), dtype=np.uint8)
    path = write_npy(X, tmp_path)
    lazy = LazyImages(np.load(path, mmap_mode="r"))
    with open(path, "r+b") as file:
        file.truncate(5000)
    with pytest.raises(OSError, match=r"images\.npy of 5,000 bytes, expected 78,528"):
        lazy.read()


def test_a_replaced_file(tmp_path):
    X = np.arange(100 * 784, dtype=np.int32).reshape(100, 28, 28)
    memory_map = np.load(write_npy(X, tmp_path), mmap_mode="r")
    lazy = LazyImages(memory_map)
    other = np.lib.format.open_memmap(
        tmp_path / "other.npy", "w+", X.dtype, (200, 28, 28)
    )
    other.flush()
    (tmp_path / "other.npy").replace(memory_map.filename)
    with pytest.raises(OSError, match=r"images\.npy .* replaced since it was opened"):
        lazy.read()
    with pytest.raises(OSError, match=r"images\.npy .* replaced since it was opened"):
        LazyImages(memory_map)


@pytest.mark.parametrize("dtype", ["uint8", ">i2", "float32"])
@pytest.mark.parametrize(
    "part", [np.s_[:], np.s_[5:30], np.s_[::-1], np.s_[3::4], np.s_[:, 4:9]], ids=str
)
def test_views_of_memory_maps(part, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._image_sources.READ_BYTES", 10_000)
    X = np.arange(40 * 784).reshape(40, 28, 28).astype(dtype)
    lazy = LazyImages(np.load(write_npy(X, tmp_path), mmap_mode="r")[part])
    X = X[part]
    np.testing.assert_array_equal(lazy.read(), X)
    positions = np.random.default_rng(0).permutation(len(X))[:9]
    np.testing.assert_array_equal(lazy.read(positions), X[positions])
    np.testing.assert_array_equal(lazy.read(positions[:0]), X[:0])


def test_memory_maps_that_are_written_to(tmp_path):
    X = np.zeros((10, 28, 28), dtype=np.uint8)
    memory_map = np.load(write_npy(X, tmp_path), mmap_mode="r+")
    lazy = LazyImages(memory_map)
    memory_map[3] = 7
    np.testing.assert_array_equal(lazy.read(), memory_map)


class Items(Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        if isinstance(item, Exception):
            raise item
        return item


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        (np.zeros((3, 5)), ValueError, r"shape \(3, 5\) as item 1 .*expected \(3, 4\)"),
        (np.zeros((3, 4), complex), ValueError, "item 1 .*expected an image"),
        ("picture.png", ValueError, "item 1 .*expected an image"),
        (FileNotFoundError("gone"), OSError, "item 1 .*FileNotFoundError: gone"),
        (KeyError("label"), ValueError, "item 1 .*KeyError: 'label'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_items_that_cannot_be_read(item, error, message):
    lazy = LazyImages(Items(np.zeros((3, 4)), item))
    with pytest.raises(error, match=message):
        lazy.read()


def test_a_larger_type_is_refused():
    lazy = LazyImages(Items(np.zeros((3, 4), np.uint8), np.full((3, 4), 0.5)))
    with pytest.raises(ValueError, match=r"float64 as item 1 .*expected uint8"):
        lazy.read()


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("L", None), ("1", None), ("RGB", 3), ("RGBA", 4), ("P", 3), ("CMYK", 3)],
)
def test_modes_of_pictures(mode, channels):
    picture = Image.new("RGB", (4, 3), "red").convert(mode)
    lazy = LazyImages([picture, picture])
    assert lazy.shape == (2, 3, 4) if channels is None else (2, channels, 3, 4)
    if mode == "P":
        assert lazy[0][:, 0, 0].tolist() == [255, 0, 0]


def test_arrays_with_their_channels_last():
    image = np.arange(90).reshape(5, 6, 3)
    assert LazyImages(Items((image, 0))).shape == (1, 3, 5, 6)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([])


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (Stream(), TypeError, r"IterableDataset \(Stream\).*partial_fit"),
        (Items(), ValueError, "empty Items"),
        (Items(("a", "b")), ValueError, "item 0 of a Items of type tuple"),
        (Items(np.zeros((1, 1, 1, 2))), ValueError, r"items of shape \(1, 1, 1, 2\)"),
        ([1, 2], TypeError, "Got a list as the source"),
        ("images.npy", TypeError, "Got a str as the source"),
        (np.zeros(3), TypeError, "Got a ndarray as the source"),
        (torch.zeros(3), ValueError, r"Got a Tensor of shape \(3,\)"),
    ],
)
def test_sources_without_images(source, error, message):
    with pytest.raises(error, match=message):
        LazyImages(source)


def test_invalid_indices_and_labels(data):
    lazy = LazyImages(data[0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LazyImages(data[0], labels=[1, 2])
    for index in (
        *([0.5], ["a"], [[1, 2]], [N], [-N - 1], (0, 1), [True, False], np.array(3)),
        ([1, 2], np.array([0, 1])),
    ):
        with pytest.raises(IndexError, match=r"LazyImages\(shape"):
            lazy[index]
    with pytest.raises(ValueError, match="copy=False"):
        np.asarray(lazy, copy=False)


def test_labels_of_a_data_set_are_read_with_its_transform():
    class Even(Pairs):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return image, "even" if label % 2 == 0 else "odd"

    lazy = LazyImages(Even(np.zeros((4, 2, 2), np.uint8), np.arange(4)))
    assert lazy.labels.tolist() == ["even", "odd"] * 2


def test_tensors_without_a_type_in_numpy():
    lazy = LazyImages(torch.ones(2, 3, 3, dtype=torch.bfloat16, requires_grad=True))
    assert lazy.dtype == np.float32
    assert lazy.read().sum() == 18


class Inverted(TensorDataset):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return 255 - image, label + 5


class InvertedSubset(Subset):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return 255 - image, label + 5

    def __getitems__(self, indices):
        return [self[index] for index in indices]


def test_subclasses_of_data_sets_of_torch(data):
    X, y = torch.from_numpy(data[0]), torch.from_numpy(data[1])
    for dataset in (Inverted(X, y), InvertedSubset(TensorDataset(X, y), range(N))):
        lazy = LazyImages(dataset)
        np.testing.assert_array_equal(lazy.read(), 255 - data[0])
        np.testing.assert_array_equal(lazy.labels, data[1] + 5)


def test_images_of_two_channels_in_lists():
    images = np.arange(24).reshape(2, 2, 3, 2)
    lazy = LazyImages(pl.Series(images.tolist()))
    np.testing.assert_array_equal(lazy.read(), images)


def test_parts_of_an_array_are_not_copied_as_a_whole(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (4000, 32, 32), dtype=np.uint8)
    lazy = LazyImages(np.load(write_npy(X, tmp_path), mmap_mode="r")[:, 2:30, ::2])
    tracemalloc.start()
    found = lazy.read(np.array([5, 3999]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(found, X[[5, 3999], 2:30, ::2])
    assert peak < 100_000


def test_large_sources_take_small_integers():
    X = np.zeros((300, 2, 2), np.uint8)
    assert len(LazyImages(X)[np.array([8, 3], np.uint8)]) == 2
