"""`skmnist.read`: from a picture to the text of a number."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

import skmnist
from skmnist import MnistCNNClassifier, NonDigitDetector
from skmnist.datasets import (
    load_mnist_sample,
    make_digit_strings,
    make_touching_digits,
)
from skmnist.preprocessing import DigitFinder, DigitPreprocessor, ImageResizer


@pytest.fixture(scope="module")
def clf():
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    recipe = MnistCNNClassifier.with_digits_recipe
    return recipe(max_epochs=5, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def numbers():
    X, y = load_mnist_sample(subset="test", return_X_y=True)
    return make_digit_strings(
        X, y, n_samples=8, length=4, n_rows=2, paper="blank", random_state=0
    )


def test_reads_numbers(clf, numbers):
    texts = [skmnist.read(picture, clf).text for picture in numbers.images]
    n_right = sum(
        found == expected
        for text, target in zip(texts, numbers.target, strict=True)
        for found, expected in zip(text, target, strict=False)
    )
    assert n_right >= 0.9 * sum(map(len, numbers.target))


def test_reading_agrees_with_finder(clf, numbers):
    picture = numbers.images[0]
    reading = skmnist.read(picture, clf)
    found = DigitFinder(classifier=clf).find(picture)
    for name in ("images", "boxes", "rows"):
        assert np.array_equal(getattr(reading, name), getattr(found, name))
    expected = clf.predict_proba(found.images.reshape(len(found.images), -1))
    assert np.array_equal(reading.probabilities, expected)
    assert np.array_equal(reading.labels, clf.classes_[expected.argmax(1)])
    assert reading.least_certain == expected.max(1).argmin()
    assert reading.text.replace("\n", "") == "".join(map(str, reading.labels))
    assert reading.text.count("\n") == found.rows.max()


@pytest.fixture(scope="module")
def pair_classifier():
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    pairs = make_touching_digits(X, y, n_samples=10_000, random_state=0)
    clf = MnistCNNClassifier.with_pairs_recipe(max_epochs=4, random_state=0)
    return clf.fit(pairs.images, pairs.target)


def test_touching_pairs(clf, pair_classifier, tmp_path):
    X, y = load_mnist_sample(subset="test", return_X_y=True)
    pairs = make_digit_strings(
        X, y, n_samples=24, length=2, touching=1, paper="blank", random_state=0
    )
    texts = [skmnist.read(picture, clf).text for picture in pairs.images]
    assert np.mean([len(text) == 2 for text in texts]) > 0.6
    assert np.mean(texts == pairs.target) > 0.5

    readings = [
        skmnist.read(picture, clf, pair_classifier=pair_classifier)
        for picture in pairs.images
    ]
    better = [reading.text for reading in readings]
    assert np.mean(better == pairs.target) > 0.75
    for reading in readings:
        n_digits = len(reading.labels)
        assert reading.probabilities.shape == (n_digits, 10)
        np.testing.assert_allclose(reading.probabilities.sum(axis=1), 1, atol=1e-5)
        assert reading.boxes.shape == (n_digits, 4)

    skmnist.save(pair_classifier, tmp_path / "pairs")
    again = skmnist.read(pairs.images[0], clf, pair_classifier=tmp_path / "pairs")
    assert again.text == better[0]


def test_models_and_pictures(clf, numbers, tmp_path):
    """A path, a pipeline, a file and an image give the same as arrays."""
    picture = numbers.images[0]
    text = skmnist.read(picture, clf).text
    model, file = tmp_path / "model.safetensors", tmp_path / "picture.png"
    skmnist.save(clf, model)
    Image.fromarray(picture).save(file)
    assert skmnist.read(file, model).text == text
    assert skmnist.read(str(file), str(model)).text == text
    pipeline = make_pipeline(DigitPreprocessor(), clf)
    assert skmnist.read(Image.fromarray(picture), pipeline).text == text
    thin = make_pipeline(DigitPreprocessor(stroke_width=1.5), clf)
    images = skmnist.read(picture, thin).images
    assert images.sum() < 0.8 * skmnist.read(picture, clf).images.sum()


def test_other_classifiers_in_a_pipeline(numbers, few):
    forest = RandomForestClassifier(n_estimators=20, random_state=0).fit(*few)
    picture, pipeline = numbers.images[0], make_pipeline(DigitPreprocessor(), forest)
    reading = skmnist.read(picture, pipeline)
    assert len(reading.labels) == len(reading.text.replace("\n", "")) > 0
    with pytest.raises(TypeError, match=r"make_pipeline\(DigitPreprocessor\(\), model"):
        skmnist.read(picture, forest)


def test_nothing_to_read(clf):
    reading = skmnist.read(np.full((50, 60), 200, np.uint8), clf)
    assert reading.text == ""
    assert reading.least_certain is None
    assert reading.probabilities.shape == (0, 10)
    (doubt,) = reading.doubts
    assert doubt.startswith("No digits found")


def test_doubtful_digit(clf):
    """Half of a digit is less certain, and is named with its box."""
    picture = np.full((100, 200), 240, np.uint8)
    picture[20:80, 30:36] = 30
    picture[20:80, 120:126] = picture[20:26, 120:160] = picture[50:56, 90:160] = 30
    reading = skmnist.read(picture, clf)
    assert len(reading.labels) == 2
    doubtful = reading.probabilities.max(1) < 0.9
    assert len(reading.doubts) == doubtful.sum()
    for doubt, box in zip(reading.doubts, reading.boxes[doubtful], strict=True):
        assert str(tuple(box.tolist())) in doubt


def test_errors(clf, tmp_path):
    picture = np.zeros((30, 30), np.uint8)
    with pytest.raises(NotFittedError):
        skmnist.read(picture, MnistCNNClassifier())
    with pytest.raises(FileNotFoundError):
        skmnist.read(picture, tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        skmnist.read(tmp_path / "picture.png", clf)
    with pytest.raises(TypeError, match="Got model as a int"):
        skmnist.read(picture, 3)
    with pytest.raises(ValueError, match="expected one of single digits"):
        skmnist.read(picture, make_pipeline(ImageResizer((1, 28, 28)), clf))


class Lines(BaseEstimator):
    """A detector to which only what has few bright pixels is a digit."""

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def decision_function(self, X):
        return 90 - (X > 127).sum(axis=1)


def test_detector(clf):
    picture = Image.new("L", (240, 120), 240)
    canvas = ImageDraw.Draw(picture)
    canvas.line([(60, 20), (60, 100)], 30, 8)
    canvas.ellipse([(130, 20), (190, 100)], None, 30, 8)
    reading = skmnist.read(picture, clf, detector=Lines())
    assert reading.digit_scores[0] > 0 > reading.digit_scores[1]
    (doubt,) = [doubt for doubt in reading.doubts if "not look like a digit" in doubt]
    assert doubt.startswith(f"What is read as {reading.labels[1]} at (1")
    plain = skmnist.read(picture, clf)
    assert plain.digit_scores is None
    assert plain.text == reading.text
    blank = skmnist.read(np.full((50, 50), 240, np.uint8), clf, detector=Lines())
    assert blank.digit_scores.shape == (0,)


@pytest.mark.parametrize(
    ("detector", "error", "message"),
    [
        (3, TypeError, "Got detector as a int, expected a fitted NonDigitDetector"),
        (NonDigitDetector, TypeError, "Got detector as a ABCMeta|as a type"),
        (NonDigitDetector(), NotFittedError, "not fitted"),
        ("no.safetensors", FileNotFoundError, "no.safetensors"),
    ],
)
def test_bad_detectors(clf, numbers, detector, error, message):
    with pytest.raises(error, match=message):
        skmnist.read(numbers.images[0], clf, detector=detector)
