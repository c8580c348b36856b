"""`dataset_to_arrays`."""

import numpy as np
import pytest
import torch
from PIL import Image
from small_files import use_small_files
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision.datasets import CIFAR10, MNIST, FakeData, ImageFolder
from torchvision.transforms import v2

from skmnist.datasets import dataset_to_arrays


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The root of a small `torchvision.datasets.MNIST`."""
    use_small_files("mnist", tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def digits_dataset(home):
    return MNIST(home, train=True)


def test_arrays_of_a_data_set_are_shared(digits_dataset):
    X, y = dataset_to_arrays(digits_dataset)
    assert X.shape == (30, 28, 28)
    assert X.dtype == np.uint8
    assert np.shares_memory(X, digits_dataset.data.numpy())
    assert y.tolist() == digits_dataset.targets.tolist()


def test_reading_sample_by_sample_gives_the_same(digits_dataset, home):
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
def test_transforms_set_later_are_applied(digits_dataset, kind):
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
def test_channels_first_are_kept(n_channels, width):
    """Also if the width could be a number of channels."""
    images = torch.arange(5 * n_channels * 7 * width).reshape(5, n_channels, 7, width)
    X, _ = dataset_to_arrays(TensorDataset(images, torch.arange(5)))
    np.testing.assert_array_equal(X, images)


def test_subset_of_a_data_set(digits_dataset):
    X, y = dataset_to_arrays(digits_dataset)
    part = Subset(Subset(digits_dataset, [3, 1, 4, 15]), [3, 0])
    X_part, y_part = dataset_to_arrays(part)
    np.testing.assert_array_equal(X_part, X[[15, 3]])
    np.testing.assert_array_equal(y_part, y[[15, 3]])


def test_bunch(digits_dataset, home):
    X, y = dataset_to_arrays(digits_dataset)
    bunch = dataset_to_arrays(digits_dataset, return_X_y=False)
    np.testing.assert_array_equal(bunch.images, X)
    np.testing.assert_array_equal(bunch.data, X.reshape(len(X), -1))
    np.testing.assert_array_equal(bunch.target, y)
    assert bunch.image_shape == (1, 28, 28)
    assert bunch.target_names.tolist() == MNIST.classes
    assert "torchvision.datasets.mnist.MNIST" in bunch.DESCR
    # a part of them, and read image by image
    part = dataset_to_arrays(Subset(digits_dataset, [2, 5]), return_X_y=False)
    slow = dataset_to_arrays(MNIST(home, transform=v2.Identity()), return_X_y=False)
    assert part.target_names.tolist() == slow.target_names.tolist() == MNIST.classes


def test_classes_of_a_folder(tmp_path):
    for name, shade in (("cat", 10), ("ant", 200)):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.new("RGB", (7, 6), (shade, 0, i)).save(tmp_path / name / f"{i}.png")
    bunch = dataset_to_arrays(ImageFolder(tmp_path), return_X_y=False)
    assert bunch.images.shape == (4, 3, 6, 7)
    assert bunch.image_shape == (3, 6, 7)
    assert bunch.target_names[bunch.target].tolist() == ["ant", "ant", "cat", "cat"]
    assert bunch.images[:, 0, 0, 0].tolist() == [200, 200, 10, 10]


@pytest.mark.parametrize("labels", [[0, 1], ["even", "odd"]])
def test_transformed_labels_have_no_names(home, labels):
    dataset = MNIST(home, target_transform=lambda label: labels[label % 2])
    bunch = dataset_to_arrays(dataset, return_X_y=False)
    assert bunch.target_names.tolist() == labels


def test_bunch_of_other_data_sets():
    vectors = TensorDataset(torch.zeros(2, 5), torch.zeros(2))
    with pytest.raises(ValueError, match=r"items of shape \(5,\), expected images"):
        dataset_to_arrays(vectors, return_X_y=False)
    images = TensorDataset(torch.zeros(2, 1, 5, 5), torch.tensor([7, 3]))
    bunch = dataset_to_arrays(images, return_X_y=False)
    assert bunch.target_names.tolist() == [3, 7]


def test_colour_images():
    X, y = dataset_to_arrays(FakeData(size=4, image_size=(3, 24, 20), num_classes=3))
    assert X.shape == (4, 3, 24, 20)
    assert y.shape == (4,)
    cifar = CIFAR10.__new__(CIFAR10)  # without its files
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
    """Has `data` and `targets`, but returns other items."""

    def __getitem__(self, index):
        return 255 - self.data[index], self.targets[index] % 2


def test_getitem_of_a_subclass_is_used(digits_dataset):
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
def test_invalid_data_sets(dataset, error, message):
    with pytest.raises(error, match=message):
        dataset_to_arrays(dataset)
