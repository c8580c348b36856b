import numpy as np
import pytest
from matplotlib.figure import Figure
from skorch.dataset import ValidSplit

from skmnist.displays import LossCurveDisplay


@pytest.fixture
def fitted(small, few):
    return small(max_epochs=3, batch_size=20).fit(*few)


@pytest.fixture
def validated_later(small, few):
    """Four epochs, the last two of which have a validation set."""
    clf = small(warm_start=True).fit(*few)
    return clf.set_params(train_split=ValidSplit(4)).fit(*few)


@pytest.fixture
def interrupted(fitted):
    """Three epochs and two batches of a fourth; the last batch has no loss."""
    fitted.history.new_epoch()
    fitted.history.new_batch()
    fitted.history.record_batch("train_loss", 0.5)
    fitted.history.new_batch()
    return fitted


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


def test_validation_loss_of_later_epochs(validated_later):
    """Each value is drawn at the end of its epoch."""
    display = LossCurveDisplay.from_estimator(validated_later)
    (line,) = (x for x in display.ax_.lines if x.get_label() == "validation set")
    drawn = ~np.isnan(np.asarray(line.get_ydata(), dtype=float))
    assert np.asarray(line.get_xdata())[drawn].tolist() == [4 + 4 + 3, 4 + 4 + 3 + 3]
    assert np.asarray(line.get_ydata())[drawn].tolist() == [
        epoch["valid_loss"] for epoch in validated_later.history[2:]
    ]


def test_loss_of_an_interrupted_epoch(interrupted):
    display = LossCurveDisplay.from_estimator(interrupted)
    assert len(display.batch_loss) == 31
