import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist.displays import DigitsDisplay


@pytest.fixture
def fitted(small, few):
    return small(max_epochs=3, batch_size=20).fit(*few)


@pytest.mark.parametrize("shape", [(200, 784), (200, 28, 28)])
def test_mistakes_most_confident_first(fitted, few, shape):
    X, y = few
    display = DigitsDisplay.from_estimator(fitted, X.reshape(shape), y, n_images=12)
    predicted, probabilities = fitted.predict(X), fitted.predict_proba(X)
    wrong = np.flatnonzero(predicted != y)
    assert len(wrong) > 12
    order = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:12]
    np.testing.assert_array_equal(display.images, X[order].reshape(-1, 28, 28))
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == [
        f"{y[i]} → {predicted[i]}  {probabilities[i].max():.0%}" for i in order
    ]
    (grid,) = display.figure_.subfigs
    heading = grid.get_suptitle()
    assert f"{len(wrong)} mistakes in 200 images, the 12 most confident" in heading
    drawn = display.axes_[0].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)


def test_no_mistakes(fitted, few):
    X, _ = few
    display = DigitsDisplay.from_estimator(fitted, X, fitted.predict(X))
    assert len(display.axes_) == 0
    assert "0 mistakes in 200 images" in display.heading


def test_colour_images_are_drawn_in_colour(small):
    X = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
    y = np.arange(40) % 4
    clf = small().fit(X, y)
    display = DigitsDisplay.from_estimator(clf, X, y)
    assert display.axes_[0].images[0].get_array().shape == (16, 16, 3)


def test_least_confident_first(fitted, few):
    X, y = few
    probabilities = fitted.predict_proba(X)
    confidence, predicted = probabilities.max(1), fitted.predict(X)
    order = np.argsort(confidence, kind="stable")[:7]
    display = DigitsDisplay.from_estimator(
        fitted, X, kind="least_confident", n_images=7
    )
    np.testing.assert_array_equal(display.images, X[order].reshape(-1, 28, 28))
    assert display.titles == [f"{predicted[i]}  {confidence[i]:.0%}" for i in order]
    assert "7 least confident of 200 images" in display.heading
    labelled = DigitsDisplay.from_estimator(
        fitted, X, y, kind="least_confident", n_images=7
    )
    np.testing.assert_array_equal(labelled.images, display.images)
    assert labelled.titles[0] == f"{y[order[0]]} → {display.titles[0]}"


def test_digits_of_a_pipeline_and_of_predictions(fitted, few):
    X, y = few
    pipeline = make_pipeline(FunctionTransformer(), fitted)
    of_pipeline = DigitsDisplay.from_estimator(pipeline, X, y)
    of_predictions = DigitsDisplay.from_predictions(X, y, fitted.predict_proba(X))
    assert of_pipeline.titles == of_predictions.titles
    np.testing.assert_array_equal(of_pipeline.images, of_predictions.images)


def test_string_labels_and_their_order():
    X = np.zeros((2, 64), dtype=np.uint8)
    probabilities = [[0.1, 0.9], [0.2, 0.8]]
    display = DigitsDisplay.from_predictions(
        X, ["one", "two"], probabilities, classes=["two", "one"]
    )
    assert display.titles == ["two → one  80%"]


def test_image_shape_of_rows():
    X = np.arange(2 * 12, dtype=np.uint8).reshape(2, 12)
    display = DigitsDisplay.from_predictions(
        X, [0, 1], [[0, 1], [1, 0]], image_shape=(1, 3, 4)
    )
    assert display.images.shape == (2, 3, 4)


@pytest.mark.parametrize("dtype", [bool, ">f4", ">i2", object, "float64"])
def test_digits_of_any_numeric_type(small, few, dtype):
    X, y = (few[0] > 99).astype(dtype), few[1]
    clf = small().fit(X, y)
    images = DigitsDisplay.from_estimator(clf, X, y).images
    expected = DigitsDisplay.from_estimator(clf, X.astype(np.float32), y).images
    np.testing.assert_array_equal(images, expected)


def test_empty_images_and_missing_pixels():
    empty = np.zeros((0, 784)), np.zeros(0, int), np.zeros((0, 2))
    assert len(DigitsDisplay.from_predictions(*empty, classes=[0, 1]).axes_) == 0
    X = np.full((1, 784), np.nan)
    display = DigitsDisplay.from_predictions(X, [1], [[0.9, 0.1]], classes=[0, 1])
    assert len(display.axes_) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "wrong"}, r"kind='wrong', expected one of \['mistakes'"),
        ({"y": None}, "kind='mistakes' without y.*least_confident"),
        ({"y": [0, 1]}, "3 images, 2 labels"),
        ({"y": [0, 0, 1]}, r"2 classes and probabilities of shape \(3, 3\).*classes="),
        ({"probabilities": np.ones((2, 3)) / 3}, r"shape \(2, 3\)"),
    ],
)
def test_invalid_arguments(changes, message):
    arguments = {
        "X": np.zeros((3, 64)),
        "y": [0, 1, 2],
        "probabilities": np.eye(3),
        **changes,
    }
    with pytest.raises(ValueError, match=message):
        DigitsDisplay.from_predictions(**arguments)


def test_grid_replaces_axes(fitted, few):
    left, right = Figure().subplots(1, 2)
    display = DigitsDisplay.from_estimator(fitted, *few, ax=right, n_images=3)
    assert display.ax_ is right
    assert not right.axison
    assert left.axison
    middle = right.figure.bbox.width / 2
    assert all(ax.get_window_extent().x0 > middle for ax in display.axes_)


def test_axes_that_cannot_be_divided(fitted, few):
    ax = Figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"figure\.subplots\(\)"):
        DigitsDisplay.from_estimator(fitted, *few, ax=ax)
