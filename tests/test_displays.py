import numpy as np
import pytest
from matplotlib.figure import Figure

from skmnist.displays import AccuracyCurveDisplay, DigitsDisplay, LossCurveDisplay


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
    heading = display.figure_.get_suptitle()
    assert f"{len(wrong)} mistakes in 200 images, the 12 most confident" in heading
    drawn = display.axes_[0].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)


def test_no_mistakes(fitted, few):
    X, _ = few
    display = DigitsDisplay.from_estimator(fitted, X, fitted.predict(X))
    assert len(display.axes_) == 0
    assert "0 mistakes in 200 images" in display.figure_.get_suptitle()


def test_colour_images_are_drawn_in_colour(small):
    X = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
    y = np.arange(40) % 4
    clf = small().fit(X, y)
    display = DigitsDisplay.from_estimator(clf, X, y)
    assert display.axes_[0].images[0].get_array().shape == (16, 16, 3)
