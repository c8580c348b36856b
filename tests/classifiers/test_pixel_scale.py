"""The warning about pixels on another scale than that of the training images."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skmnist import MnistCNNClassifier

OTHER_SCALES = {
    "unit interval": lambda X: X / 255,
    "from -1 to 1": lambda X: X / 127.5 - 1,
    "booleans": lambda X: X > 0,
    "standardized": lambda X: (X - X.mean()) / X.std(),
    "centred": lambda X: X - X.mean(),
    "16 bits": lambda X: X.astype(np.uint16) * 257,
    "signed bytes": lambda X: X.astype(np.int8),
}


def get_messages(function, *arguments):
    """Call a function; return the messages of its warnings, which point here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments)
    assert {warning.filename for warning in caught} <= {__file__}
    assert {warning.category for warning in caught} <= {UserWarning}
    return [str(warning.message) for warning in caught]


@pytest.fixture(scope="module")
def fitted(few):
    X, y = few
    return MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)


def test_range_of_the_first_training(few, small):
    X, y = few
    clf = small(max_epochs=1)
    clf.partial_fit(X // 2, y, classes=range(10))
    assert clf.pixel_range_ == (0.0, 127.0)
    clf.partial_fit(X, y)
    assert clf.pixel_range_ == (0.0, 127.0)
    assert clf.fit(X, y).pixel_range_ == (0.0, 255.0)
    negative = small(max_epochs=1).fit(-X.astype(float), y)
    assert negative.pixel_range_ == (-255.0, 0.0)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("name", OTHER_SCALES)
def test_other_scale(fitted, few, name, method):
    X = OTHER_SCALES[name](few[0])
    (message,) = get_messages(getattr(fitted, method), X)
    assert message.startswith(f"Got X with pixels from {X.min() + 0:g} to ")
    assert "MnistCNNClassifier was trained on pixels from 0 to 255" in message


def test_score(fitted, few):
    X, y = few
    assert len(get_messages(fitted.score, X / 255, y)) == 1
    assert get_messages(fitted.score, X, y) == []


@pytest.mark.parametrize(
    "other", [lambda X: X * 255, lambda X: (X - X.mean()) / X.std()]
)
def test_trained_on_the_unit_interval(few, small, other):
    X, y = few[0] / 255, few[1]
    clf = small(max_epochs=1).fit(X, y)
    assert get_messages(clf.predict, X) == []
    assert len(get_messages(clf.predict, other(X))) == 1


def test_usual_images(fitted, sample):
    """Also single ones, which are darker, brighter and emptier than many."""
    X = sample[0][:500]
    for images in (X, X // 4, X.astype(float), X.astype(np.float32) - 0.5, 255 - X):
        assert get_messages(fitted.predict, images) == []
    for image in X:
        assert get_messages(fitted.predict, image[None]) == []


@pytest.mark.parametrize("brightness", [0, 1, 255, 65535])
def test_blank_images(fitted, brightness):
    blank = np.full((3, 784), brightness)
    assert get_messages(fitted.predict, blank) == []


def test_trained_on_blank_images(small):
    clf = small(max_epochs=1).fit(np.zeros((4, 64)), [0, 1, 0, 1])
    assert get_messages(clf.predict, np.arange(64.0)[None]) == []


def test_dead_channel(small):
    """Its standard deviation of 0 counts as 1, which is large for these pixels."""
    X = np.zeros((20, 3, 8, 8))
    X[:, 0] = np.random.default_rng(0).random((20, 8, 8)) / 1000
    clf = small(max_epochs=1).fit(X, np.arange(20) % 2)
    assert get_messages(clf.predict, X) == []


def test_hot_pixel(few, small):
    """A single training pixel does not make all others too small."""
    X, y = few
    hot = X.astype(float)
    hot[0, 0] = 20_000
    clf = small(max_epochs=1).fit(hot, y)
    assert get_messages(clf.predict, X) == []


@pytest.mark.parametrize("scaler", [MinMaxScaler(), StandardScaler()])
def test_scalers_of_single_pixels(sample, small, scaler):
    """Where few training images have ink, other images get very large pixels."""
    X, y = sample
    pipeline = make_pipeline(scaler, small(max_epochs=1)).fit(X[::50], y[::50])
    scaled = pipeline[:-1].transform(X)
    assert scaled.max() > 10 * scaled[::50].max()
    assert get_messages(pipeline.predict, X) == []
    assert len(get_messages(pipeline[-1].predict, X)) == 1


def test_images_of_eight_by_eight_pixels(small):
    X, y = load_digits(return_X_y=True)
    clf = small(max_epochs=1).fit(X[:200], y[:200])
    for image in X:
        assert get_messages(clf.predict, image[None]) == []
    for other in (X * 255 / 16, X / 16, X / 255, X > 8):
        assert len(get_messages(clf.predict, other)) == 1


def test_estimators_of_earlier_versions(few, small):
    X, y = few
    clf = small(max_epochs=1).fit(X, y)
    del clf.pixel_range_
    assert get_messages(clf.predict, X / 255) == []


def test_own_loader(few, small):
    X, y = few
    clf = small(max_epochs=1, iterator_valid=torch.utils.data.DataLoader).fit(X, y)
    assert get_messages(clf.predict, X) == []
    assert len(get_messages(clf.predict, X / 255)) == 1
