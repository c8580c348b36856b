"""`NonDigitDetector`."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_outlier_detector
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import skmnist
from skmnist import NonDigitDetector
from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.datasets import load_mnist_sample, make_non_digits
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._model_check import split_model


@pytest.fixture(scope="module")
def digits():
    return load_mnist_sample(subset="train", return_X_y=True)


@pytest.fixture(scope="module")
def X(digits):
    return digits[0]


@pytest.fixture(scope="module")
def X_test():
    return load_mnist_sample(subset="test", return_X_y=True)[0]


@pytest.fixture(scope="module")
def detector(digits):
    X, y = digits
    return NonDigitDetector(random_state=0).fit(X[:1500], y[:1500])


def quick(**parameters):
    return NonDigitDetector(**{"max_epochs": 1, "random_state": 0, **parameters})


# What it detects ----------------------------------------------------------------------


def test_few_digits_are_doubted(detector, X_test):
    assert 0 < (detector.predict(X_test) == -1).mean() < 0.04


def test_other_images_are_doubted(detector, X_test):
    """They are not made by `make_non_digits`."""
    rng = np.random.default_rng(0)
    sheets = X_test[:200].reshape(-1, 28, 28)
    others = {
        "two digits, half as wide": np.concatenate(
            [sheets[:100], sheets[100:]], axis=2
        )[:, :, ::2],
        "rows in disorder": rng.permuted(X_test[:200], axis=1),
        "Gaussian noise": rng.normal(128, 40, (200, 784)).clip(0, 255).astype(np.uint8),
        "white": np.full((1, 784), 255, np.uint8),
        "black": np.zeros((1, 784), np.uint8),
    }
    for name, images in others.items():
        assert (detector.predict(images) == -1).mean() > 0.9, name


def test_most_images_like_those_of_the_training_are_doubted(detector, X_test):
    others = make_non_digits(X_test, n_samples=500, random_state=1)
    assert (detector.predict(others.data) == -1).mean() > 0.8


def test_contamination_only_moves_the_threshold(X):
    X = X[:600]
    strict, tolerant = (
        quick(contamination=contamination).fit(X) for contamination in (0.3, 0.02)
    )
    assert np.array_equal(strict.score_samples(X), tolerant.score_samples(X))
    assert strict.offset_ > tolerant.offset_


def test_contamination_is_the_fraction_of_doubted_digits(X, X_test):
    detector = quick(contamination=0.3, validation_fraction=0.5).fit(X[:2000])
    assert (detector.predict(X_test) == -1).mean() == pytest.approx(0.3, abs=0.08)


def test_labels_of_any_type(digits):
    X, y = (part[:300] for part in digits)
    expected = quick().fit(X, y).score_samples(X)
    assert np.array_equal(quick().fit(X, y.astype(str)).score_samples(X), expected)
    assert not np.array_equal(quick().fit(X).score_samples(X), expected)


# scikit-learn's contract --------------------------------------------------------------


def test_predictions_are_signs_of_the_decision_function(detector, X_test):
    scores, decisions = (
        detector.score_samples(X_test),
        detector.decision_function(X_test),
    )
    assert scores.shape == (len(X_test),)
    assert np.array_equal(decisions, scores - detector.offset_)
    assert np.array_equal(detector.predict(X_test), np.where(decisions < 0, -1, 1))
    assert is_outlier_detector(detector)


def test_fit_predict(X):
    expected = quick().fit(X[:300]).predict(X[:300])
    assert np.array_equal(quick().fit_predict(X[:300]), expected)


def test_random_state(X):
    X, original = X[:300], X[:300].copy()
    np.random.seed(0)
    expected = np.random.uniform()
    np.random.seed(0)
    first, again, other = (quick(random_state=seed).fit(X) for seed in (0, 0, 1))
    assert np.random.uniform() == expected
    assert np.array_equal(X, original)
    scores = first.score_samples(X)
    assert np.array_equal(scores, again.score_samples(X))
    assert first.offset_ == again.offset_
    assert not np.array_equal(scores, other.score_samples(X))


def test_layouts_of_images_agree(X):
    X = X[:300]
    expected = quick().fit(X).score_samples(X)
    for shape in ((-1, 28, 28), (-1, 1, 28, 28)):
        images = X.reshape(shape)
        detector = quick().fit(images)
        assert detector.n_features_in_ == 784
        for same in (images, X):
            assert np.array_equal(detector.score_samples(same), expected)


def test_pixels_on_another_scale(X, X_test):
    """The images without digits are brought to the scale of the digits."""
    detector = quick(max_epochs=2).fit(X[:1000] / 255)
    assert (detector.predict(X_test / 255) == -1).mean() < 0.1
    noise = np.random.default_rng(0).uniform(size=(50, 784))
    assert (detector.predict(noise) == -1).all()


def test_data_frames(X):
    names = [f"pixel{number}" for number in range(784)]
    frame = pd.DataFrame(X[:300], columns=names)
    detector = quick().fit(frame)
    assert detector.feature_names_in_.tolist() == names
    expected = quick().fit(X[:300]).score_samples(X[:300])
    assert np.array_equal(detector.score_samples(frame), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        detector.predict(frame[names[::-1]])


def test_pickle_and_clone(detector, X_test):
    again = pickle.loads(pickle.dumps(detector))
    expected = detector.decision_function(X_test)
    assert np.array_equal(again.decision_function(X_test), expected)
    assert clone(detector).get_params() == detector.get_params()
    with pytest.raises(NotFittedError):
        clone(detector).predict(X_test)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_scikit_learn_check(check):
    """Those that need no data: images of other shapes are refused."""
    check("NonDigitDetector", quick())


def test_pictures_are_not_read_with_a_detector(detector):
    for model in (detector, make_pipeline(DigitPreprocessor(), detector)):
        with pytest.raises(ValueError, match="NonDigitDetector, expected a classifier"):
            split_model(model)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"contamination": 0}, ValueError, "contamination == 0, must be > 0"),
        ({"contamination": 0.6}, ValueError, "contamination == 0.6, must be <= 0.5"),
        ({"contamination": "auto"}, TypeError, "contamination must be an instance of"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction == 1.0, must"),
        ({"max_epochs": 0}, ValueError, "max_epochs == 0, must be >= 1"),
    ],
)
def test_invalid_parameters(X, parameters, error, message):
    with pytest.raises(error, match=message):
        quick(**parameters).fit(X[:20])


def test_invalid_images(detector, X):
    with pytest.raises(ValueError, match="n_samples = 9, expected at least 10"):
        quick().fit(X[:9])
    with pytest.raises(ValueError, match="expected images of 28x28 pixels"):
        quick().fit(np.ones((20, 64)))
    with pytest.raises(ValueError, match="bright corners"):
        quick().fit(255 - X[:20])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().fit(X[:20], np.zeros(19))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        quick().fit(X[:20], np.linspace(0, 1, 20))
    with pytest.raises(ValueError, match="64 features, but NonDigitDetector is"):
        detector.predict(np.ones((20, 64)))


# Files --------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "detector.safetensors"


def test_save_and_load(detector, X_test, path):
    skmnist.save(detector, path)
    loaded = skmnist.load(path)
    assert type(loaded) is NonDigitDetector
    assert loaded.get_params() == detector.get_params()
    assert loaded.offset_ == detector.offset_
    assert loaded.n_features_in_ == 784
    expected = detector.decision_function(X_test)
    assert np.array_equal(loaded.decision_function(X_test), expected)
    before = path.read_bytes()
    skmnist.save(loaded, path)
    assert path.read_bytes() == before


def test_save_and_load_names_of_features(X, path):
    names = [f"pixel{number}" for number in range(784)]
    skmnist.save(quick().fit(pd.DataFrame(X[:100], columns=names)), path)
    assert skmnist.load(path).feature_names_in_.tolist() == names


def test_save_and_load_a_pipeline(detector, path):
    skmnist.save(make_pipeline(DigitPreprocessor(), detector), path)
    sheet = np.full((90, 70), 240, np.uint8)
    sheet[15:75, 33:37] = 30
    assert skmnist.load(path).predict([sheet]).tolist() == [1]


def test_what_cannot_be_saved(X, path):
    detector = quick(random_state=np.random.RandomState(0))
    with pytest.raises(NotFittedError):
        skmnist.save(detector, path)
    with pytest.raises(TypeError, match="Got random_state=RandomState"):
        skmnist.save(detector.fit(X[:100]), path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offset", None),
        ("offset", 7),
        ("parameters", {"contamination": 7}),
        ("parameters", {"classifier": 7}),
        ("feature_names", {"array_of": ["object", ["a"]]}),
    ],
)
def test_forged_files(detector, path, name, value):
    skmnist.save(detector, path)
    metadata, tensors = read_safe_file(path)
    metadata["classifier"][name] = value
    write_safe_file(path, metadata, tensors)
    with pytest.raises(ValueError, match="forged"):
        skmnist.load(path)


def test_forged_classifier(detector, path):
    skmnist.save(detector, path)
    metadata, tensors = read_safe_file(path)
    attributes = metadata["classifier"]["classifier"]["attributes"]
    attributes["classes"] = {"array_of": ["str", [*"0123456789x"]]}
    write_safe_file(path, metadata, tensors)
    with pytest.raises(ValueError, match="cannot be that of a detector"):
        skmnist.load(path)
