"""All `fetch_*`: images of small files, as torchvision has them, or an error."""

import gc
import gzip
import inspect
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torchvision.datasets
from sklearn.datasets import get_data_home
from small_files import (
    KEYS,
    NAMES,
    make_arrays,
    make_contents,
    make_mirror,
    serve_folder,
    use_checksums,
    use_small_files,
)

import skmnist.datasets
from skmnist.datasets import fetch_emnist, fetch_fashion_mnist, fetch_kmnist
from skmnist.datasets._engine import list_missing
from skmnist.datasets._table import DATASETS, EMNIST_CLASSES

# torchvision leaves the sockets of failed requests to the garbage collector
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Folder of Debian's package dataset-fashion-mnist."""


def fetch(key, **options):
    """Call the function for a data set of the table."""
    name, _, split = key.partition("_") if key.startswith("emnist") else (key, "", "")
    options |= {"split": split} if split else {}
    return getattr(skmnist.datasets, f"fetch_{name}")(**options)


@pytest.mark.parametrize("key", KEYS)
def test_images_and_labels(key, tmp_path, monkeypatch):
    arrays = use_small_files(key, tmp_path, monkeypatch)
    arrays["all"] = tuple(map(np.concatenate, zip(*arrays.values(), strict=True)))
    options = {"data_home": tmp_path, "download_if_missing": False}
    for subset, (images, labels) in arrays.items():
        bunch = fetch(key, subset=subset, **options)
        np.testing.assert_array_equal(bunch.images, images)
        np.testing.assert_array_equal(bunch.target, labels)
        assert bunch.images.dtype == np.uint8
        assert bunch.target.dtype == np.int64
        assert bunch.data.flags.writeable
        assert bunch.data.flags.c_contiguous
        assert np.shares_memory(bunch.data, bunch.images)
        assert bunch.image_shape == (images.ndim // 4 * 2 + 1, *images.shape[-2:])
        np.testing.assert_array_equal(
            bunch.data.reshape(-1, *bunch.image_shape).squeeze(), images
        )
        assert len(bunch.target_names[bunch.target]) == len(labels)
        assert len(set(bunch.feature_names)) == bunch.data.shape[1]
        assert "Source: " in bunch.DESCR
        X, y = fetch(key, subset=subset, return_X_y=True, **options)
        np.testing.assert_array_equal(X, bunch.data)
        np.testing.assert_array_equal(y, labels)
    assert fetch(key, **options).target.tolist() == arrays["train"][1].tolist()


@pytest.mark.parametrize("key", ["usps", "cifar10"])
def test_frames(key, tmp_path, monkeypatch):
    use_small_files(key, tmp_path, monkeypatch)
    bunch = fetch(key, data_home=tmp_path, as_frame=True)
    assert isinstance(bunch.target, pd.Series)
    assert bunch.data.columns.tolist() == bunch.feature_names
    assert bunch.frame.columns.tolist() == [*bunch.feature_names, "target"]
    channel, row, column = {"usps": (0, 3, 7), "cifar10": (2, 3, 7)}[key]
    name = "pixel_blue_3_7" if key == "cifar10" else "pixel_3_7"
    images = bunch.images.reshape(-1, *bunch.image_shape)
    assert (bunch.data[name] == images[:, channel, row, column]).all()


@pytest.mark.filterwarnings("ignore:.*align should be passed:Warning")
@pytest.mark.parametrize("key", KEYS)
def test_download_has_the_images_of_torchvision(key, tmp_path, monkeypatch, capfd):
    mirror, home, other = (tmp_path / name for name in ("mirror", "home", "other"))
    mirror.mkdir()
    contents = make_contents(key, make_arrays(key))
    use_checksums(key, contents, monkeypatch)
    split = {"split": key.partition("_")[2]} if key.startswith("emnist") else {}
    with serve_folder(mirror) as url:
        dataset_class = make_mirror(key, contents, mirror, url, monkeypatch)
        bunches = {s: fetch(key, data_home=home, subset=s) for s in ("train", "test")}
        datasets = {
            s: dataset_class(
                other,
                download=True,
                **({"split": s} if key == "svhn" else {"train": s == "train"} | split),
            )
            for s in ("train", "test")
        }
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert {path.relative_to(home).as_posix() for path in kept} == {*contents}
    for subset, dataset in datasets.items():
        images = np.asarray(dataset.data)
        if key.startswith("emnist"):
            images = images.transpose(0, 2, 1)
        elif key.startswith("cifar"):
            images = images.transpose(0, 3, 1, 2)
        labels = dataset.labels if key == "svhn" else np.asarray(dataset.targets)
        labels = labels[:, 0] if key == "qmnist" else labels
        np.testing.assert_array_equal(bunches[subset].images, images)
        np.testing.assert_array_equal(bunches[subset].target, labels)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_damaged_files(key, damage, tmp_path, monkeypatch):
    use_small_files(key, tmp_path, monkeypatch)
    (first, *_) = DATASETS[key].files
    path = tmp_path / first
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"flipped": content, "cut": content[:-1], "emptied": b""}[damage])
    with pytest.raises(OSError, match=f"{re.escape(str(path))} is damaged.*Delete"):
        fetch(key, data_home=tmp_path)
    if not key.startswith("emnist"):  # which has one file for both subsets
        assert fetch(key, data_home=tmp_path, subset="test").data.shape[0] == 20


@pytest.mark.parametrize("key", KEYS)
def test_missing_files(key, tmp_path, monkeypatch):
    use_small_files(key, tmp_path, monkeypatch)
    *_, last = DATASETS[key].files
    (tmp_path / last).unlink()
    with pytest.raises(OSError, match="download_if_missing is False") as info:
        fetch(key, data_home=tmp_path, download_if_missing=False)
    message = str(info.value)
    assert message.startswith(DATASETS[key].name)
    assert f"{(tmp_path / last).parent} has no {Path(last).name}. " in message
    assert "https://" in message or "http://" in message


@pytest.mark.parametrize("key", KEYS)
def test_failed_downloads_leave_nothing(key, tmp_path, monkeypatch, capfd):
    """A download with the sum that torchvision expects, but not ours."""
    mirror, home = tmp_path / "mirror", tmp_path / "home"
    mirror.mkdir()
    home.mkdir()
    contents = make_contents(key, make_arrays(key))
    path, _ = next(iter(DATASETS[key].files.items()))
    changed = contents | {path: contents[path][:-1] + b"?"}
    use_checksums(key, changed, monkeypatch)
    with serve_folder(mirror) as url:
        make_mirror(key, contents, mirror, url, monkeypatch)
        with pytest.raises(OSError, match=r"was not found.*download failed.*checksum"):
            fetch(key, data_home=home)
    gc.collect()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("key", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("level", [1, 9])
def test_gzipped_files(key, level, tmp_path, monkeypatch):
    """They are checked by their content, and not unpacked on the disk."""
    arrays = use_small_files(key, tmp_path, monkeypatch)
    names = list(DATASETS[key].files)
    for name in names:
        path = tmp_path / name
        packed = gzip.compress(path.read_bytes(), level)
        path.with_name(path.name + ".gz").write_bytes(packed)
        path.unlink()
    X, y = fetch(key, data_home=tmp_path, download_if_missing=False, return_X_y=True)
    np.testing.assert_array_equal(X, arrays["train"][0].reshape(30, -1))
    np.testing.assert_array_equal(y, arrays["train"][1])
    path = tmp_path / f"{names[0]}.gz"
    assert all(file.suffix == ".gz" for file in path.parent.iterdir())
    content = bytearray(path.read_bytes())
    flipped = content.copy()
    flipped[len(content) // 2] ^= 1
    for damaged in (content[:-20], content[:100], flipped, b"", b"not gzip"):
        path.write_bytes(damaged)
        with pytest.raises(OSError, match=f"{re.escape(str(path))} is damaged.*Delete"):
            fetch(key, data_home=tmp_path)


def test_unpacked_files_without_a_checksum(tmp_path, monkeypatch):
    """torchvision would read them."""
    use_small_files("kmnist", tmp_path, monkeypatch)
    for name in DATASETS["kmnist"].files:
        path = tmp_path / name
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert len(torchvision.datasets.KMNIST(tmp_path)) == 30
    with pytest.raises(
        OSError,
        match=r"has no train-images-idx3-ubyte\.gz.*unpacked files are not read",
    ):
        fetch_kmnist(data_home=tmp_path, download_if_missing=False)


@pytest.mark.parametrize("module", ["os", "builtins", "numpy.core.multiarray"])
def test_pickles_run_no_code(module, tmp_path, monkeypatch):
    """Not even with the right checksum, which is only MD5."""
    use_small_files("cifar10", tmp_path, monkeypatch)
    path = "cifar-10-batches-py/test_batch"
    trap = tmp_path / "trap"
    name = {"os": "mkdir", "builtins": "open"}.get(module, "fromfile")
    hostile = f"c{module}\n{name}\n(V{trap}\ntR.".encode()
    dataset = DATASETS["cifar10"]
    names = dataset.files | dataset.unread_files
    contents = {name: (tmp_path / name).read_bytes() for name in names}
    (tmp_path / path).write_bytes(hostile)
    use_checksums("cifar10", contents | {path: hostile}, monkeypatch)
    with pytest.raises(pickle.UnpicklingError, match=f"{module}.{name}, expected"):
        fetch("cifar10", data_home=tmp_path, subset="test")
    assert not trap.exists()


@pytest.mark.parametrize("key", KEYS)
def test_invalid_arguments(key, tmp_path):
    with pytest.raises(ValueError, match="Got subset='valid', expected one of"):
        fetch(key, data_home=tmp_path, subset="valid")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(OSError, match=r"Cannot use data_home=.*Pass a folder"):
        fetch(key, data_home=file)


def test_unknown_split_of_emnist(tmp_path):
    with pytest.raises(
        ValueError, match=r"split='upper', expected one of \['balanced'"
    ):
        fetch_emnist(split="upper", data_home=tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write it")
def test_folder_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=r"KMNIST was not found.*Permission denied"):
        fetch_kmnist(data_home=tmp_path)


# The table ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", DATASETS)
def test_table_agrees_with_torchvision(key):
    """Checksums of the downloads, names of the classes and addresses."""
    dataset = DATASETS[key]
    name = "emnist" if key.startswith("emnist") else key
    reference = getattr(torchvision.datasets, NAMES[name])
    sums = {Path(path).name: value for path, value in dataset.files.items()}
    source = inspect.getsource(inspect.getmodule(reference))
    (address,) = re.findall(r"https?://\S+", dataset.source)
    assert address in source
    if key in ("mnist", "fashion_mnist"):
        assert [f"{name}.gz" for name in sums] == [
            name for name, _ in reference.resources
        ]
        assert {len(value) for value in sums.values()} == {64}
    elif key == "kmnist":
        assert list(sums.items()) == reference.resources
    elif name == "emnist":
        assert sums == {"gzip.zip": reference.md5}
    elif key == "qmnist":
        entries = [*reference.resources["train"], *reference.resources["test"]]
        assert sums == {url.rpartition("/")[2]: md5 for url, md5 in entries}
    elif key in ("usps", "svhn"):
        entries = [reference.split_list[subset] for subset in ("train", "test")]
        assert sums == {name: md5 for _, name, md5 in entries}
    else:
        assert list(sums.items()) == [
            tuple(entry) for entry in reference.train_list + reference.test_list
        ]
        ((meta, checksum),) = dataset.unread_files.items()
        assert Path(meta).name == reference.meta["filename"]
        assert checksum == reference.meta["md5"]
        assert {Path(path).parent.name for path in dataset.files} == {
            reference.base_folder
        }
    if name == "emnist":
        classes = reference.classes_split_dict[key.partition("_")[2]]
        assert list(map(str, dataset.target_names)) == classes
    elif key in ("fashion_mnist", "kmnist"):
        assert dataset.target_names == reference.classes
    elif key == "cifar100":
        assert len(dataset.target_names) == 100
        assert sorted(set(dataset.target_names)) == dataset.target_names
    elif key != "cifar10":
        assert dataset.target_names == list(range(10))


def test_splits_of_emnist():
    assert sorted(EMNIST_CLASSES) == sorted(torchvision.datasets.EMNIST.splits)
    for split in EMNIST_CLASSES:
        assert f'"{split}"' in fetch_emnist.__doc__


# Real files ---------------------------------------------------------------------------


def test_real_fashion_mnist(tmp_path):
    """Debian compressed the files anew, so that the sums of the archives differ."""
    home = Path(get_data_home())
    if list_missing(DATASETS["fashion_mnist"], home):
        if not DEBIAN.is_dir():
            pytest.skip(
                f"Fashion-MNIST is neither in {home} nor in {DEBIAN}; install Debian's "
                "package dataset-fashion-mnist, or download it with "
                "skmnist.datasets.fetch_fashion_mnist()"
            )
        home = tmp_path
        shutil.copytree(DEBIAN, home / "FashionMNIST" / "raw")
    train = fetch_fashion_mnist(data_home=home)
    test = fetch_fashion_mnist(data_home=home, subset="test")
    assert np.bincount(train.target).tolist() == [6000] * 10
    assert np.bincount(test.target).tolist() == [1000] * 10
    assert test.target_names[test.target[0]] == "Ankle boot"
