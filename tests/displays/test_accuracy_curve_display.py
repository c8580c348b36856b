import numpy as np
import pytest
from skorch.dataset import ValidSplit

from skmnist.displays import AccuracyCurveDisplay


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


def test_validation_accuracy_of_later_epochs(validated_later):
    """Each value is drawn at its epoch."""
    display = AccuracyCurveDisplay.from_estimator(validated_later)
    lines = {line.get_label(): line for line in display.ax_.lines}
    line = lines["validation set, at the end of the epoch"]
    drawn = ~np.isnan(line.get_ydata())
    assert line.get_xdata()[drawn].tolist() == [3, 4]


def test_accuracy_of_an_interrupted_epoch(interrupted):
    display = AccuracyCurveDisplay.from_estimator(interrupted)
    assert len(display.ax_.lines[0].get_xdata()) == 3


def test_no_completed_epoch():
    display = AccuracyCurveDisplay({}).plot()
    assert display.ax_.texts[0].get_text() == "No epoch was completed."
