"""One-cycle learning rate."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from skmnist.callbacks import OneCycleLR

CPU = torch.device("cpu")


def rates(clf):
    batches = [batch for epoch in clf.history for batch in epoch["batches"]]
    return [batch["event_lr"] for batch in batches if "event_lr" in batch]


def test_one_cycle_rises_to_lr_and_falls(small, few):
    clf = small(lr=0.05, max_epochs=3, batch_size=20).fit(*few)
    learning_rates = rates(clf)
    assert len(learning_rates) == 30
    peak = int(np.argmax(learning_rates))
    assert learning_rates[peak] == pytest.approx(0.05)
    assert peak == 2  # the last batch of the first tenth
    assert np.all(np.diff(learning_rates[: peak + 1]) > 0)
    assert np.all(np.diff(learning_rates[peak:]) < 0)
    assert learning_rates[-1] < 0.05 / 1000


@pytest.mark.parametrize("n_batches", [2, 5, 9, 10, 11, 20])
def test_short_cycle(small, few, n_batches):
    """Also if a tenth of the batches is at most one."""
    clf = small(lr=0.01, max_epochs=n_batches, batch_size=-1).fit(*few)
    learning_rates = rates(clf)
    assert len(learning_rates) == n_batches
    assert 0.004 < max(learning_rates) <= 0.01
    assert min(learning_rates) == learning_rates[-1] < 1e-6


def test_shape_of_the_cycle(small, few):
    prefix = "callbacks__lr_schedule__"
    shape = {f"{prefix}pct_start": 0.5, f"{prefix}anneal_strategy": "linear"}
    learning_rates = rates(small(batch_size=10, **shape).fit(*few))  # of 40 batches
    steps = np.diff(learning_rates[:19])
    assert np.allclose(steps, steps[0])
    assert abs(np.argmax(learning_rates) - 20) <= 1
    for name, value in (("pct_start", 2.0), ("anneal_strategy", "steps")):
        with pytest.raises(ValueError, match=name):
            small(**{prefix + name: value}).fit(*few)


def test_warm_start_runs_one_cycle_in_each_fit(small, few):
    clf = small(warm_start=True).fit(*few)
    first = rates(clf)
    clf.fit(*few)
    assert rates(clf) == first * 2


def test_one_cycle_respects_the_rates_of_parameter_groups(small, few):
    clf = small(optimizer__param_groups=[("conv*", {"lr": 0.02})], lr=0.04).fit(*few)
    assert 0.01 < max(rates(clf)) <= 0.02  # of the first group
    peaks = [group["max_lr"] for group in clf.optimizer_.param_groups]
    assert peaks == [0.02, 0.04]


class Rates(Callback):
    """Records the learning rate of each batch."""

    def on_batch_begin(self, net, **kwargs):
        net.history.record_batch("rate", net.optimizer_.param_groups[0]["lr"])


class GradientNorms(Callback):
    """Records the norm of the gradient that the optimizer uses."""

    def on_batch_end(self, net, **kwargs):
        norms = [weight.grad.norm() for weight in net.module_.parameters()]
        net.history.record_batch("norm", torch.stack(norms).norm().item())


def test_gradients_are_clipped_only_during_a_cycle(small, few):
    X, y = few

    def largest(clf):
        return max(max(norms) for norms in clf.history[:, "batches", :, "norm"])

    def make(**parameters):
        return small(callbacks=[GradientNorms()], batch_size=10, **parameters)

    assert largest(make().fit(X, y)) == pytest.approx(1, rel=1e-4)
    assert largest(make(callbacks__lr_schedule__max_gradient_norm=0.5).fit(X, y)) < 0.51
    assert largest(make(lr_schedule=None, lr=0.01).fit(X, y)) > 1.01
    assert largest(make().partial_fit(X, y, classes=np.unique(y))) > 1.01


def test_no_cycle_of_unknown_length(small, few):
    X, y = few
    clf = small(lr=0.04, callbacks=[Rates()], batch_size=50)
    clf.partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
    assert clf.history[:, "batches", :, "rate"] == [[pytest.approx(0.02)] * 4] * 2
    clf = small(lr=0.04, max_epochs=1, batch_size=-1, callbacks=[Rates()]).fit(X, y)
    assert clf.history[0, "batches", :, "rate"] == [pytest.approx(0.02)]


def test_constant_learning_rate(small, few):
    X, y = few
    clf = small(lr=0.01, lr_schedule=None, callbacks=[Rates()], batch_size=50)
    clf.fit(X, y).partial_fit(X, y)
    assert clf.history[:, "batches", :, "rate"] == [[0.01] * 4] * 3
    assert "event_lr" not in clf.history[0, "batches", 0]


def test_schedule_may_change_between_warm_starts(small, few):
    clf = small(lr=0.04, warm_start=True, callbacks=[Rates()], batch_size=50).fit(*few)
    clf.set_params(lr_schedule=None).fit(*few)
    assert clf.history[2:, "batches", :, "rate"] == [[0.04] * 4] * 2
    clf.set_params(lr_schedule="onecycle").fit(*few)
    assert rates(clf)[-8:] == rates(small(lr=0.04, batch_size=50).fit(*few))


def test_explicit_callback(small, few):
    """It cycles as the parameter `lr_schedule` does, with parameters of its own."""
    explicit = small(lr_schedule=None, callbacks=[("cycle", OneCycleLR(pct_start=0.3))])
    default = small(callbacks__lr_schedule__pct_start=0.3)
    assert explicit.fit(*few).loss_curve_ == default.fit(*few).loss_curve_
