"""`make_touching_digits`."""

import sys

import numpy as np
import pytest
from scipy import ndimage

from skmnist.datasets import load_mnist_sample, make_touching_digits


@pytest.fixture(scope="module")
def digits():
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    return X[::8], y[::8]


@pytest.fixture(scope="module")
def pairs(digits):
    return make_touching_digits(*digits, n_samples=600, random_state=0)


def test_bunch(pairs):
    assert pairs.data.shape == (600, 28 * 48)
    assert pairs.images.shape == (600, 28, 48)
    assert pairs.images.dtype == np.uint8
    assert pairs.image_shape == (1, 28, 48)
    assert pairs.target_names.tolist() == sorted({*pairs.target})
    lengths = np.array([len(label) for label in pairs.target])
    assert set(lengths) == {1, 2}
    assert abs(np.mean(lengths == 1) - 1 / 2) < 0.05
    counts = [sum(d in label for label in pairs.target) for d in "0123456789"]
    assert min(counts) > 60


def test_digits_touch(pairs):
    """What is drawn is in one piece, apart from digits that are themselves broken."""
    n_pieces = [ndimage.label(image > 60, np.ones((3, 3)))[1] for image in pairs.images]
    assert np.mean(np.array(n_pieces) == 1) > 0.95


def test_faint_digits_stay(digits):
    """Beside digits that are much brighter."""
    X, y = digits
    faint = np.where(np.arange(len(X)) % 2, 1, 0.25)
    mixed = np.rint(X.reshape(len(X), -1) * faint[:, None]).astype(np.uint8)
    images = make_touching_digits(mixed, y, n_samples=200, random_state=0).images
    expected = make_touching_digits(X, y, n_samples=200, random_state=0).images
    widths = [(i.max(axis=1) > 100).sum(axis=1) for i in (images, expected)]
    assert np.mean(abs(widths[0] - widths[1]) <= 2) > 0.95


def test_without_scikit_image(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(
        ImportError, match=r"make_touching_digits .* install scikit-image"
    ):
        make_touching_digits(*digits)


def test_frame(pairs):
    """20 pixels high or 44 wide, with the mass in the middle."""
    for image in pairs.images:
        rows, columns = (np.flatnonzero(image.max(axis=axis)) for axis in (1, 0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height <= 20
        assert width <= 44
        assert height >= 18 or width >= 42
        assert abs(ndimage.center_of_mass(image)[0] - 13.5) < 2.5
        assert abs(ndimage.center_of_mass(image)[1] - 23.5) < 2.5


def test_labels(digits):
    """A pair of zeros is wider than a pair of ones; labels may be strings."""
    X, y = digits
    widths = {}
    for label in (0, 1):
        of_label = y == label
        pairs = make_touching_digits(
            X[of_label], y[of_label].astype(str), n_samples=60, random_state=0
        )
        assert {*pairs.target} == {str(label), 2 * str(label)}
        ink = pairs.images[pairs.target == 2 * str(label)].max(axis=1) > 60
        widths[label] = ink.sum(axis=1).mean()
    assert widths[0] > 1.3 * widths[1]


def test_random_state_determines_the_images(digits):
    np.random.seed(0)
    expected = np.random.uniform()
    np.random.seed(0)
    first, again, other = (
        make_touching_digits(*digits, n_samples=30, random_state=seed).images
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.random.uniform() == expected


def test_layout_and_scale_of_the_digits_do_not_matter(digits):
    X, y = digits
    expected = make_touching_digits(X, y, n_samples=30, random_state=0).images
    for same in (X.reshape(-1, 28, 28), X.reshape(-1, 1, 28, 28), X / 255):
        pairs = make_touching_digits(same, y, n_samples=30, random_state=0)
        assert np.array_equal(pairs.images, expected)


def test_a_digit_that_shares_no_row_with_the_other():
    """They are set beside each other."""
    X = np.zeros((1, 28, 28), np.uint8)
    X[0, 13:15, 4:24] = 255  # a dash, which vertical offsets separate
    pairs = make_touching_digits(X, ["1"], n_samples=40, random_state=0)
    assert (pairs.images.reshape(40, -1).max(axis=1) > 0).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples"),
        ({"n_samples": 2.5}, TypeError, "n_samples"),
        ({"X": np.zeros((3, 784))}, ValueError, "without ink"),
        ({"X": np.ones((3, 100))}, ValueError, "expected images of 28x28"),
        ({"y": [1, 2]}, ValueError, "inconsistent"),
        ({"y": [1, 2, 34]}, ValueError, "Got y with the label '34'"),
    ],
)
def test_errors(digits, change, error, message):
    arguments = {"X": digits[0][:3], "y": digits[1][:3], **change}
    with pytest.raises(error, match=message):
        make_touching_digits(**arguments)
