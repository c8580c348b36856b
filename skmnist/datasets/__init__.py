"""Data sets as arrays: `fetch_*` may download, `load_*` never does."""

from skmnist.datasets._dataset_to_arrays import dataset_to_arrays
from skmnist.datasets._mnist import fetch_mnist
from skmnist.datasets._mnist_sample import load_mnist_sample

__all__ = ["dataset_to_arrays", "fetch_mnist", "load_mnist_sample"]
