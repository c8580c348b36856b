import numpy as np
import pytest
import torch

from skmnist._training import (
    draw_seed,
    private_generators,
    resolve_device,
    seed_generators,
)

CPU = torch.device("cpu")


def test_device():
    assert resolve_device("cpu") == CPU
    assert resolve_device(CPU) == CPU
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("device", ["no such device", "meta", "cuda:99", 3.5, None])
def test_device_that_is_not_there(device):
    with pytest.raises(ValueError, match=r"Got device=.*'auto' or one of"):
        resolve_device(device)


def test_seeds():
    assert draw_seed(7) == 7
    assert draw_seed(np.random.RandomState(0)) == draw_seed(np.random.RandomState(0))
    state = np.random.get_state()[1].tolist()
    assert draw_seed(None) != draw_seed(None)
    assert np.random.get_state()[1].tolist() == state
    with pytest.raises(ValueError, match="between 0 and"):
        draw_seed(-1)


def test_generators_are_seeded_by_epoch_and_given_back():
    before = torch.get_rng_state()

    def draw(seed, epoch):
        with private_generators(CPU):
            seed_generators(CPU, seed, epoch)
            return torch.rand(3).tolist()

    assert draw(0, 1) == draw(0, 1)
    assert draw(0, 1) != draw(0, 2)
    assert draw(0, 1) != draw(1, 1)
    with pytest.raises(ValueError, match="non-negative"), private_generators(CPU):
        seed_generators(CPU, 0, -1)
    assert torch.equal(torch.get_rng_state(), before)


def rates(clf):
    return [batch["event_lr"] for epoch in clf.history for batch in epoch["batches"]]


def test_one_cycle_rises_to_lr_and_falls(small, few):
    clf = small(lr=0.05, max_epochs=3, batch_size=20).fit(*few)
    learning_rates = rates(clf)
    assert len(learning_rates) == 30
    peak = int(np.argmax(learning_rates))
    assert learning_rates[peak] == pytest.approx(0.05)
    assert 0.2 < peak / 30 < 0.4
    assert np.all(np.diff(learning_rates[: peak + 1]) > 0)
    assert np.all(np.diff(learning_rates[peak:]) < 0)
    assert learning_rates[-1] < 0.05 / 1000


def test_one_cycle_for_each_fit_of_a_warm_start(small, few):
    clf = small(warm_start=True).fit(*few)
    first = rates(clf)
    clf.fit(*few)
    assert rates(clf) == first * 2


def test_one_cycle_keeps_the_rates_of_parameter_groups(small, few):
    clf = small(optimizer__param_groups=[("conv*", {"lr": 0.02})], lr=0.04).fit(*few)
    assert 0.01 < max(rates(clf)) <= 0.02  # of the first group
    peaks = [group["max_lr"] for group in clf.optimizer_.param_groups]
    assert peaks == [0.02, 0.04]


def test_no_cycle_where_there_is_no_length(small, few):
    X, y = few
    clf = small(lr=0.04).partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
    assert clf.optimizer_.param_groups[0]["lr"] == pytest.approx(0.004)
    clf = small(lr=0.04, max_epochs=1, batch_size=-1).fit(X, y)
    assert clf.optimizer_.param_groups[0]["lr"] == pytest.approx(0.004)


def test_constant_learning_rate(small, few):
    X, y = few
    clf = small(lr=0.01, lr_schedule=None).fit(X, y).partial_fit(X, y)
    assert clf.optimizer_.param_groups[0]["lr"] == 0.01
    assert "event_lr" not in clf.history[0, "batches", 0]
