"""Data sets as arrays: `fetch_*` may download, `load_*` never does."""

from skmnist.datasets._dataset_to_arrays import dataset_to_arrays
from skmnist.datasets._digit_strings import make_digit_strings
from skmnist.datasets._fetch_color import fetch_cifar10, fetch_cifar100, fetch_svhn
from skmnist.datasets._fetch_grayscale import (
    fetch_emnist,
    fetch_fashion_mnist,
    fetch_kmnist,
    fetch_mnist,
    fetch_qmnist,
    fetch_usps,
)
from skmnist.datasets._image_folder import load_image_folder
from skmnist.datasets._lazy_images import LazyImages
from skmnist.datasets._mnist_sample import load_mnist_sample
from skmnist.datasets._non_digits import make_non_digits
from skmnist.datasets._touching_digits import make_touching_digits

__all__ = [
    "LazyImages",
    "dataset_to_arrays",
    "fetch_cifar10",
    "fetch_cifar100",
    "fetch_emnist",
    "fetch_fashion_mnist",
    "fetch_kmnist",
    "fetch_mnist",
    "fetch_qmnist",
    "fetch_svhn",
    "fetch_usps",
    "load_image_folder",
    "load_mnist_sample",
    "make_digit_strings",
    "make_non_digits",
    "make_touching_digits",
]
