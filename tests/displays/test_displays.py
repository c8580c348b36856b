import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.dataset import ValidSplit
from torch import nn
from torch.nn import functional as F

from skmnist import MnistCNNClassifier
from skmnist.displays import (
    AccuracyCurveDisplay,
    DigitsDisplay,
    FiltersDisplay,
    LossCurveDisplay,
)


@pytest.fixture
def fitted(small, few):
    return small(max_epochs=3, batch_size=20).fit(*few)


def test_loss_of_each_batch_and_its_moving_mean(fitted):
    ax = Figure().subplots()
    display = LossCurveDisplay.from_estimator(fitted, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    each, mean = ax.lines[:2]
    losses = np.concatenate(fitted.history[:, "batches", :, "train_loss"])
    np.testing.assert_array_equal(each.get_xdata(), np.arange(1, 31))
    np.testing.assert_array_equal(each.get_ydata(), losses)
    np.testing.assert_array_equal(mean.get_xdata(), np.arange(10, 31))
    means = [losses[i : i + 10].mean() for i in range(21)]
    np.testing.assert_allclose(mean.get_ydata(), means)
    ends = [line.get_xdata()[0] for line in ax.lines[2:]]
    assert ends == [10.5, 20.5]
    assert ax.get_xlabel() == "Batch"
    assert "likelihood" in ax.get_ylabel()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["each batch", "mean of 10 batches"]


def test_other_window_and_new_figure(fitted):
    display = LossCurveDisplay.from_estimator(fitted, window=4)
    assert len(display.ax_.lines[1].get_xdata()) == 27
    assert display.plot(window=31) is display
    assert len(display.ax_.lines) == 3  # too few batches for a mean, two ends


def test_validation_loss_is_drawn(small, few):
    clf = small(train_split=lambda data, y: (data, data)).fit(*few)
    display = LossCurveDisplay.from_estimator(clf)
    line = display.ax_.lines[-1]
    np.testing.assert_array_equal(line.get_ydata(), clf.history[:, "valid_loss"])
    np.testing.assert_array_equal(line.get_xdata(), [4, 8])


def test_validation_that_came_later(small, few):
    """Each figure is drawn at the epoch that it belongs to."""
    clf = small(warm_start=True).fit(*few)
    clf.set_params(train_split=ValidSplit(4)).fit(*few)
    losses = LossCurveDisplay.from_estimator(clf)
    (line,) = (x for x in losses.ax_.lines if x.get_label() == "validation set")
    drawn = ~np.isnan(np.asarray(line.get_ydata(), dtype=float))
    assert np.asarray(line.get_xdata())[drawn].tolist() == [4 + 4 + 3, 4 + 4 + 3 + 3]
    assert np.asarray(line.get_ydata())[drawn].tolist() == [
        epoch["valid_loss"] for epoch in clf.history[2:]
    ]
    accuracies = AccuracyCurveDisplay.from_estimator(clf)
    lines = {line.get_label(): line for line in accuracies.ax_.lines}
    line = lines["validation set, at the end of the epoch"]
    drawn = ~np.isnan(line.get_ydata())
    assert line.get_xdata()[drawn].tolist() == [3, 4]


@pytest.mark.parametrize("dtype", [bool, ">f4", ">i2", object, "float64"])
def test_any_numeric_type_that_predict_takes(small, few, dtype):
    X, y = (few[0] > 99).astype(dtype), few[1]
    clf = small().fit(X, y)
    images = DigitsDisplay.from_estimator(clf, X, y).images
    expected = DigitsDisplay.from_estimator(clf, X.astype(np.float32), y).images
    np.testing.assert_array_equal(images, expected)
    FiltersDisplay.from_estimator(clf, X[0])


def test_images_that_nobody_predicts():
    """None at all, or with pixels that are missing."""
    empty = np.zeros((0, 784)), np.zeros(0, int), np.zeros((0, 2))
    assert len(DigitsDisplay.from_predictions(*empty, classes=[0, 1]).axes_) == 0
    X = np.full((1, 784), np.nan)
    display = DigitsDisplay.from_predictions(X, [1], [[0.9, 0.1]], classes=[0, 1])
    assert len(display.axes_) == 1


def test_interrupted_epoch(fitted):
    history = fitted.history
    history.new_epoch()
    history.new_batch()
    history.record_batch("train_loss", 0.5)
    history.new_batch()  # nothing was recorded for it
    display = LossCurveDisplay.from_estimator(fitted)
    assert len(display.batch_loss) == 31
    assert (
        len(AccuracyCurveDisplay.from_estimator(fitted).ax_.lines[0].get_xdata()) == 3
    )


def test_accuracies_are_named(small, few):
    clf = small(train_split=lambda data, y: (data, data)).fit(*few)
    display = AccuracyCurveDisplay.from_estimator(clf)
    trained, validated = display.ax_.lines
    np.testing.assert_allclose(
        trained.get_ydata(), 100 * np.array(clf.history[:, "train_acc"])
    )
    np.testing.assert_allclose(
        validated.get_ydata(), 100 * np.array(clf.history[:, "valid_acc"])
    )
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "training batches" in legend[0]
    assert "validation set" in legend[1]
    assert display.ax_.get_ylabel() == "Accuracy (%)"


def test_no_epoch_at_all():
    display = AccuracyCurveDisplay({}).plot()
    assert display.ax_.texts[0].get_text() == "No epoch was finished."


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


def test_shape_of_rows_that_are_no_squares():
    X = np.arange(2 * 12, dtype=np.uint8).reshape(2, 12)
    display = DigitsDisplay.from_predictions(
        X, [0, 1], [[0, 1], [1, 0]], image_shape=(1, 3, 4)
    )
    assert display.images.shape == (2, 3, 4)


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
def test_digits_that_cannot_be_drawn(changes, message):
    arguments = {
        "X": np.zeros((3, 64)),
        "y": [0, 1, 2],
        "probabilities": np.eye(3),
        **changes,
    }
    with pytest.raises(ValueError, match=message):
        DigitsDisplay.from_predictions(**arguments)


def test_digits_take_the_place_of_axes(fitted, few):
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


def test_kernels(fitted):
    display = FiltersDisplay.from_estimator(fitted)
    kernels = fitted.module_.conv1.weight.detach().numpy()[:, 0]
    np.testing.assert_array_equal(display.kernels, kernels)
    assert set(display.axes_) == {"kernels"}
    (mosaic,) = display.axes_["kernels"].images
    drawn = mosaic.get_array().filled(np.nan)
    assert drawn.shape == (11, 11)  # 2 x 2 kernels of 5 x 5 with lines between them
    np.testing.assert_array_equal(drawn[:5, 6:], kernels[1])
    np.testing.assert_array_equal(drawn[6:, :5], kernels[2])
    assert np.isnan(drawn[5]).all()
    low, high = mosaic.get_clim()
    assert -low == high == abs(kernels).max()


def test_feature_maps_are_what_the_network_computes(fitted, few):
    X, _ = few
    display = FiltersDisplay.from_estimator(fitted, X[0])
    net = fitted.module_
    with torch.no_grad():
        pixels = torch.from_numpy(X[:1]).reshape(1, 1, 28, 28)
        pixels = (pixels - net.mean) / net.std
        conv1 = F.max_pool2d(F.relu(net.conv1(pixels)), 2)
        conv2 = F.max_pool2d(F.relu(net.conv2(conv1)), 2)
        hidden = F.relu(net.fc1(conv2.flatten(1)))
    np.testing.assert_array_equal(display.image, X[0].reshape(28, 28))
    for name, expected in (("conv1", conv1), ("conv2", conv2)):
        np.testing.assert_allclose(
            display.feature_maps[name], expected[0].numpy(), atol=1e-5
        )
        assert display.axes_[name].images[0].get_array().max() > 0
    np.testing.assert_allclose(display.hidden, hidden[0].numpy(), atol=1e-5)
    proba = fitted.predict_proba(X[:1])[0]
    assert display.probabilities == dict(enumerate(proba.tolist()))
    heights = [bar.get_height() for bar in display.axes_["probabilities"].patches]
    np.testing.assert_allclose(heights, proba)
    assert "8 maps of 4x4" in display.axes_["conv2"].get_title()


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28), (1, 784)])
def test_layouts_of_one_image(fitted, few, shape):
    image = few[0][3]
    display = FiltersDisplay.from_estimator(fitted, image.reshape(shape))
    np.testing.assert_array_equal(display.image, image.reshape(28, 28))


def test_filters_of_colour_images(small):
    X = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 20), dtype=np.uint8)
    clf = small().fit(X, np.arange(40) % 4)
    display = FiltersDisplay.from_estimator(clf, X[0])
    np.testing.assert_array_equal(display.image, np.moveaxis(X[0], 0, -1))
    drawn = display.axes_["image"].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)  # colours on any scale
    kernels = clf.module_.conv1.weight.detach().numpy()  # (4, 3, 5, 5)
    expected = (kernels[:, 0] + kernels[:, 1] + kernels[:, 2]) / 3
    np.testing.assert_allclose(display.kernels, expected, atol=1e-7)
    assert display.feature_maps["conv2"].shape == (8, 1, 2)


def test_drawing_leaves_the_network_alone(fitted, few):
    fitted.module_.train()
    FiltersDisplay.from_estimator(fitted, few[0][0])
    assert not fitted.module_.conv1._forward_hooks


def test_filters_of_another_network(small, few):
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(784, 10)

        def forward(self, X):
            return self.layer(X.flatten(1)).log_softmax(1)

    clf = MnistCNNClassifier(module=Linear, max_epochs=1, lr=1e-4).fit(*few)
    with pytest.raises(TypeError, match=r"network Linear.*Leave out module="):
        FiltersDisplay.from_estimator(clf)


def test_image_of_another_shape(fitted):
    with pytest.raises(
        ValueError, match=r"shape \(8, 8\), expected one.*\(1, 28, 28\)"
    ):
        FiltersDisplay.from_estimator(fitted, np.zeros((8, 8)))


@pytest.mark.parametrize(
    "display", [LossCurveDisplay, AccuracyCurveDisplay, FiltersDisplay]
)
def test_what_is_no_fitted_classifier(display, small):
    with pytest.raises(TypeError, match=r"Got a DummyClassifier.*pipeline\[-1\]"):
        display.from_estimator(DummyClassifier())
    with pytest.raises(NotFittedError):
        display.from_estimator(small())
