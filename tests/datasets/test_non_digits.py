"""`make_non_digits`."""

import numpy as np
import pytest
from scipy import ndimage

from skmnist import MnistCNNClassifier
from skmnist.datasets import load_mnist_sample, make_non_digits
from skmnist.datasets._non_digits import KINDS
from skmnist.datasets._strokes import redraw_digits


@pytest.fixture(scope="module")
def digits():
    return load_mnist_sample(subset="train", return_X_y=True)


@pytest.fixture(scope="module")
def X(digits):
    return digits[0][:300]


def make(X, kind, n_samples=50):
    return make_non_digits(X, n_samples=n_samples, kinds=[kind], random_state=0).images


def find_box(image):
    rows, columns = np.nonzero(image > 60)
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def count_shades(image):
    return len(np.unique(image))


def test_bunch(X):
    others = make_non_digits(X, n_samples=400, random_state=0)
    assert others.data.shape == (400, 784)
    assert others.images.shape == (400, 28, 28)
    assert others.images.dtype == np.uint8
    assert np.shares_memory(others.data, others.images)
    assert others.target_names.tolist() == [*KINDS]
    assert {*others.target} == {*range(len(KINDS))}
    counts = np.bincount(others.target)
    assert counts.argmax() == 0  # letters
    assert "400 images" in others.DESCR


def test_random_state_determines_the_images(X):
    np.random.seed(0)
    expected = np.random.uniform()
    np.random.seed(0)
    original = X.copy()
    first, again, other = (
        make_non_digits(X, n_samples=60, random_state=seed).images for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.random.uniform() == expected
    assert np.array_equal(X, original)


def test_layout_and_scale_of_the_digits_do_not_matter(X):
    expected = make_non_digits(X, n_samples=60, random_state=0).images
    for same in (X.reshape(-1, 28, 28), X.reshape(-1, 1, 28, 28), X / 255):
        images = make_non_digits(same, n_samples=60, random_state=0).images
        assert np.array_equal(images, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_kind_differ(X, kind):
    images = make(X, kind)
    n_different = len(np.unique(images.reshape(50, -1), axis=0))
    assert n_different > (10 if kind == "blanks" else 45)


@pytest.mark.parametrize("kind", ["letters", "scribbles", "pairs"])
def test_strokes_have_the_frame_of_digits(X, kind):
    """The longer side is 20 pixels, and the center of mass near the middle."""
    for image in make(X, kind):
        top, left, bottom, right = find_box(image)
        assert 17 <= max(bottom - top, right - left) <= 22
        np.testing.assert_allclose(ndimage.center_of_mass(image), 13.5, atol=4)


def test_letters_are_bright_strokes(X):
    images = make(X, "letters")
    assert (images.max(axis=(1, 2)) > 150).all()
    assert 0.05 < (images > 127).mean() < 0.3


def test_parts_are_of_the_given_digits(X):
    digits = X.reshape(-1, 28, 28)
    for image in make(X, "parts"):
        kept = image > 0
        matches = [np.array_equal(digit[kept], image[kept]) for digit in digits]
        (sources,) = np.nonzero(matches)
        assert len(sources)
        assert kept.sum() < max((digits[source] > 0).sum() for source in sources)


def test_inverted_digits_are_given_digits(X):
    known = {row.tobytes() for row in X}
    assert {(255 - image).tobytes() for image in make(X, "inverted")} <= known


def test_blanks_have_no_edges(X):
    for image in make(X, "blanks").astype(int):
        assert np.abs(np.diff(image, axis=0)).max() <= 10
        assert np.abs(np.diff(image, axis=1)).max() <= 10


def test_pixels_of_noise_are_independent(X):
    for image in make(X, "noise").astype(float):
        if count_shades(image) > 1:
            neighbours = np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())
            assert abs(neighbours[0, 1]) < 0.2


def test_digits_drawn_again_are_read(digits):
    X, y = digits
    clf = MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    for label in range(10):
        rng = np.random.RandomState(0)
        drawings = redraw_digits(X[y == label][:50].reshape(-1, 28, 28), rng)
        assert len(np.unique(drawings.reshape(50, -1), axis=0)) == 50
        assert (clf.predict(drawings) == label).mean() > 0.7


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples == 0, must be >= 1"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an instance of int"),
        ({"kinds": "cats"}, ValueError, r"Got kinds=\['cats'\], expected some of"),
        ({"kinds": []}, ValueError, r"Got kinds=\[\], expected some of"),
        ({"kinds": ["noise", "noise"]}, ValueError, "Got kinds="),
        ({"X": np.ones((3, 64))}, ValueError, r"\(3, 64\), expected images of 28x28"),
        ({"X": np.zeros((3, 784))}, ValueError, "3 images without ink"),
    ],
)
def test_invalid_parameters(X, parameters, error, message):
    with pytest.raises(error, match=message):
        make_non_digits(**{"X": X, **parameters})
