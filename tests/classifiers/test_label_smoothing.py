"""Label smoothing falls with the learning rate."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from skorch.callbacks import Callback
from skorch.dataset import ValidSplit
from torch.nn import functional as F

from skmnist import MnistCNNClassifier
from skmnist.callbacks import OneCycleLR
from skmnist.classifiers._label_smoothing import smooth_loss


class Recording(MnistCNNClassifier):
    """Keeps loss, output, labels and the fraction of the peak learning rate."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        loss = super().get_loss(y_pred, y_true, X, training)
        y_encoded = y_true if isinstance(y_true, torch.Tensor) else y_true[0]
        lr = self.optimizer_.param_groups[0]["lr"]
        seen.append((training, lr / self.lr, loss.detach(), y_pred.detach(), y_encoded))
        return loss


seen = []


@pytest.fixture(autouse=True)
def forget():
    seen.clear()


def fit(sample, **parameters):
    X, y = (array[:600] for array in sample)
    return Recording(
        max_epochs=2, batch_size=100, random_state=0, device="cpu", **parameters
    ).fit(X, y)


def test_loss_is_that_of_torch_with_the_current_smoothing(sample):
    fit(sample, label_smoothing=0.2)
    steps = [step for training, *step in seen if training]
    fractions = [fraction for fraction, *_ in steps]
    assert max(fractions) > 0.95
    assert fractions[-1] < 0.05
    for fraction, loss, output, y in steps:
        expected = F.cross_entropy(output, y, label_smoothing=0.2 * fraction)
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        {"label_smoothing": 0.0},
        {"lr_schedule": None},
        {"early_stopping": True, "lr_schedule": None},
    ],
    ids=str,
)
def test_loss_without_smoothing(sample, parameters):
    fit(sample, **parameters)
    for _, _, loss, output, y in seen:
        torch.testing.assert_close(loss, F.nll_loss(output, y))


def test_neither_validation_nor_partial_fit_smooths(sample):
    fit(sample, early_stopping=True)
    assert {training for training, *_ in seen} == {True, False}
    for training, _, loss, output, y in seen:
        if not training:
            torch.testing.assert_close(loss, F.nll_loss(output, y))
    seen.clear()
    X, y = (array[:200] for array in sample)
    Recording(random_state=0, device="cpu").partial_fit(X, y, classes=range(10))
    for _, _, loss, output, y_encoded in seen:
        torch.testing.assert_close(loss, F.nll_loss(output, y_encoded))


def test_cycle_of_the_user_smooths_too(sample):
    fit(sample, lr_schedule=None, callbacks=[OneCycleLR()], label_smoothing=0.2)
    _, loss, output, y = [step for training, *step in seen if training][2]
    assert abs(loss - F.nll_loss(output, y)) > 0.01


class Batches(Callback):
    """Keeps the losses that a callback receives."""

    def initialize(self):
        self.losses_ = []
        return self

    def on_batch_end(self, net, loss, training, **kwargs):
        assert not loss.requires_grad
        self.losses_ += [loss.item()] * training


class Twice(torch.optim.SGD):
    """Evaluates the loss twice in each step, as LBFGS does."""

    def step(self, closure=None):
        evaluated.extend([closure().item(), closure().item()])
        return super().step()


evaluated = []


@pytest.mark.parametrize("split", [None, ValidSplit(3)])
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, Twice])
def test_history_has_the_loss_of_the_true_labels(sample, watched, optimizer, split):
    evaluated.clear()
    callbacks = [("batches", Batches())] * watched
    parameters = {"callbacks": callbacks, "optimizer": optimizer, "train_split": split}
    clf = fit(sample, label_smoothing=0.4, lr=0.01, **parameters)
    steps = [step for training, *step in seen if training]
    if optimizer is Twice:  # and it minimizes the smoothed loss
        assert evaluated == [loss.item() for _, loss, *_ in steps]
        steps = steps[::2]
    expected = [F.nll_loss(output, y).item() for *_, output, y in steps]
    losses = np.concatenate(clf.history[:, "batches", :, "train_loss"])
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    n_batches = 6 if split is None else 4
    means = np.reshape(expected, (2, n_batches)).mean(axis=1)
    np.testing.assert_allclose(clf.loss_curve_, means, rtol=1e-6)
    assert abs(losses[1] - steps[1][1]) > 0.01  # not the smoothed one
    if watched:
        assert dict(clf.callbacks_)["batches"].losses_ == list(losses)


def test_history_has_the_weighted_loss_of_the_true_labels(few):
    X, y = few
    weight = np.where(y > 4, 3.0, 1.0)
    clf = Recording(
        max_epochs=1, batch_size=50, label_smoothing=0.4, random_state=0, device="cpu"
    ).fit(X, y, sample_weight=weight)
    expected = []
    for *_, output, y_encoded in (step for step in seen if step[0]):
        losses = F.nll_loss(output, y_encoded, reduction="none").numpy()
        weights = np.where(y_encoded > 4, 3.0, 1.0) / weight.mean()
        expected.append(np.mean(weights * losses))
    losses = clf.history[0, "batches", :, "train_loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_are_repetitions(reduction):
    log_probabilities = torch.randn(3, 4).log_softmax(dim=1)
    y, weights = torch.tensor([0, 1, 3]), torch.tensor([2.0, 1.0, 3.0])
    repeated = log_probabilities.repeat_interleave(weights.long(), dim=0)
    y_repeated = y.repeat_interleave(weights.long())
    losses = F.nll_loss(log_probabilities, y, reduction="none") * weights
    scale = 1.0 if reduction == "sum" else len(weights) / weights.sum()
    loss = losses.sum() if reduction == "sum" else losses.mean()
    weighted = smooth_loss(loss, log_probabilities, weights, 0.3, reduction) * scale
    expected = F.cross_entropy(
        repeated, y_repeated, label_smoothing=0.3, reduction=reduction
    )
    torch.testing.assert_close(weighted, expected)


def test_probabilities_stay_calibrated(sample):
    """Smoothing that did not fall would raise the log loss by about 0.1."""
    X_train, X, y_train, y = train_test_split(
        *sample, train_size=2000, stratify=sample[1], random_state=0
    )
    losses = {
        smoothing: log_loss(
            y,
            MnistCNNClassifier(
                max_epochs=4, label_smoothing=smoothing, random_state=0, device="cpu"
            )
            .fit(X_train, y_train)
            .predict_proba(X),
        )
        for smoothing in (0.0, 0.1)
    }
    assert losses[0.1] < losses[0.0] + 0.02


@pytest.mark.parametrize("value", [-0.1, 1.0, "0.1", np.nan])
def test_bad_values(sample, value):
    with pytest.raises((ValueError, TypeError), match="label_smoothing"):
        fit(sample, label_smoothing=value)
