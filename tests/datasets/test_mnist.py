"""`fetch_mnist` with files that are there, damaged or missing."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from small_files import use_small_files
from torchvision.datasets import MNIST

from skmnist.datasets import fetch_mnist


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data_home with small files, whose checksums replace those of MNIST."""
    use_small_files("mnist", tmp_path, monkeypatch)
    return tmp_path


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
    start = 30 if subset == "test" else 0
    np.testing.assert_array_equal(bunch.data, whole[0][start : start + n])
    np.testing.assert_array_equal(bunch.target, whole[1][start : start + n])


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


def test_data_home_from_the_environment(home, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    assert fetch_mnist(download_if_missing=False).data.shape == (30, 784)


def test_data_home_that_cannot_be_created(home):
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
    with pytest.raises(
        OSError, match=re.escape(str(path)) + ".*SHA-256 checksum.*Delete"
    ):
        fetch_mnist(data_home=home)
    assert fetch_mnist(data_home=home, subset="test").data.shape == (20, 784)


def test_files_in_torchvisions_old_format_are_ignored(home):
    """`torchvision.datasets.MNIST` would read them instead of the checked files."""
    expected = fetch_mnist(data_home=home).data
    processed = home / "MNIST" / "processed"
    processed.mkdir()
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(3, 28, 28), torch.zeros(3)), processed / name)
    np.testing.assert_array_equal(fetch_mnist(data_home=home).data, expected)


def test_same_digits_as_torchvision(home):
    for subset in ("train", "test"):
        bunch = fetch_mnist(data_home=home, subset=subset)
        dataset = MNIST(home, train=subset == "train")
        np.testing.assert_array_equal(bunch.images, dataset.data)
        np.testing.assert_array_equal(bunch.target, dataset.targets)
        assert bunch.target.dtype == np.int64
        assert bunch.data.flags.writeable


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


def test_frames_without_pandas(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert fetch_mnist(data_home=home).data.shape == (30, 784)
    with pytest.raises(ImportError, match="as_frame=True needs pandas"):
        fetch_mnist(data_home=home, as_frame=True)


def test_full_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    assert X_train.shape == (60_000, 784)
    assert X_test.shape == (10_000, 784)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_train).tolist() == counts
    assert y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
