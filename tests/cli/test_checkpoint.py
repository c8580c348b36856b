"""The checkpoint from which an interrupted training is resumed."""

import os
import shutil

import pytest
import torch
from skorch.callbacks import Callback, EpochScoring

import skmnist
from skmnist import RandomAffine
from skmnist.model_files._checkpoint import (
    Checkpoint,
    State,
    begin_state,
    data_sha256,
    read_state,
)

TRAININGS = {
    "default": {},
    "augmented": {"augmentation": RandomAffine, "module__dropout": 0.3},
    "linear": {"callbacks__lr_schedule__anneal_strategy": "linear"},
    "sgd": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.1},
    "plain sgd": {"optimizer": torch.optim.SGD, "lr_schedule": None, "lr": 0.05},
    "rmsprop": {"optimizer": torch.optim.RMSprop, "lr_schedule": None},
    "not fused": {"optimizer__fused": False, "optimizer__amsgrad": True},
    "weighted": {"class_weight": "balanced"},
    "one batch": {"batch_size": -1},
}


class KeepAll(Checkpoint):
    """A checkpoint that keeps the state after each epoch."""

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        shutil.copy(self.path, f"{self.path}-{len(net.history)}")


def without_times(history):
    return [{k: v for k, v in row.items() if k != "dur"} for row in history]


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("parameters", TRAININGS.values(), ids=TRAININGS)
def test_resumed_training_is_bit_identical(small, few, tmp_path, parameters):
    X, y = few
    scoring = EpochScoring("f1_micro", name="f1", lower_is_better=False)
    path = tmp_path / "training"
    clf = small(max_epochs=4, callbacks=[("f1", scoring)], **parameters)
    checkpoint = KeepAll(path, State({}, data_sha256=data_sha256(X, y)), clf.callbacks)
    clf.set_params(callbacks=[*clf.callbacks, checkpoint]).fit(X, y)
    for n_finished in range(1, 5):
        state = read_state(f"{path}-{n_finished}")
        assert state.n_finished == state.clf.n_iter_ == n_finished
        assert 0 < state.seconds < 60
        assert state.data_sha256 == data_sha256(X, y)
        other = state.clf._fit(X, y, None, n_finished)
        for name, values in clf.module_.state_dict().items():
            assert torch.equal(other.module_.state_dict()[name], values), name
        assert without_times(other.history) == without_times(clf.history)
        assert other.best_validation_score_ == clf.best_validation_score_
        assert other.max_epochs == 4
    assert len(os.listdir(tmp_path)) == 5


def test_divergence_keeps_the_last_good_state(small, few, tmp_path):
    class Raising(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.optimizer_.param_groups[0]["lr"] = 1e12

    path = tmp_path / "training"
    checkpoint = Checkpoint(path, State({}, data_sha256=data_sha256(*few)), None)
    clf = small(lr_schedule=None, max_epochs=4, callbacks=[checkpoint, Raising()])
    with pytest.raises(ValueError, match="Training diverged in epoch 2"):
        clf.fit(*few)
    assert read_state(path).n_finished == 1


def test_seconds_add_up(small, few, tmp_path):
    path = tmp_path / "training"
    state = State({}, seconds=1000.0)
    small(callbacks=[Checkpoint(path, state, None)]).fit(*few)
    assert 1000 < read_state(path).seconds < 1060


def test_data_sha256(few):
    X, y = few
    assert data_sha256(X, y) == data_sha256(X.copy(), y.copy())
    others = [(X + 1, y), (X, y + 1), (X[:-1], y[:-1]), (X.astype(float), y)]
    sums = {data_sha256(*other) for other in [(X, y), *others]}
    assert len(sums) == 5


def test_state_before_the_first_epoch(tmp_path):
    path = tmp_path / "training"
    state = begin_state(path, {"seed": 3})
    assert read_state(path) == state == State({"seed": 3})
    assert state.n_finished == 0


def test_files_of_other_kinds(small, few, tmp_path):
    clf = small(max_epochs=1).fit(*few)
    skmnist.save(clf, tmp_path / "model")
    with pytest.raises(ValueError, match="a model, not the state of a training"):
        read_state(tmp_path / "model")
    begin_state(tmp_path / "state", {"seed": 3})
    with pytest.raises(ValueError, match="state of a training that was cut off"):
        skmnist.load(tmp_path / "state")
