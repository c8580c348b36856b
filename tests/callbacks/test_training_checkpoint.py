"""Interrupted training resumes with bit-identical results."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    Freezer,
    LRScheduler,
)
from skorch.dataset import ValidSplit
from torch.optim.lr_scheduler import StepLR

import skmnist
from skmnist import AlternatingFlip, MnistCNNClassifier, RandomAffine, RandomShift
from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.callbacks import TrainingCheckpoint
from skmnist.classifiers import ImageClassifier
from skmnist.networks import CNN

TRAININGS = {
    "default": {},
    "augmented": {"augmentation": RandomAffine, "module__dropout": 0.3},
    "alternating flips": {"augmentation": [AlternatingFlip(), RandomShift(1)]},
    "linear": {"callbacks__lr_schedule__anneal_strategy": "linear"},
    "sgd": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.1},
    "plain sgd": {"optimizer": torch.optim.SGD, "lr_schedule": None, "lr": 0.05},
    "rmsprop": {"optimizer": torch.optim.RMSprop, "lr_schedule": None},
    "not fused": {
        "optimizer": torch.optim.AdamW,
        "optimizer__fused": False,
        "optimizer__amsgrad": True,
    },
    "lbfgs": {"optimizer": torch.optim.LBFGS, "lr": 0.1, "batch_size": -1},
    "weighted": {"class_weight": "balanced"},
    "one batch": {"batch_size": -1},
    "validation": {"train_split": ValidSplit(4, stratified=True)},
    "random split": {"train_split": ValidSplit(0.25)},
    "early stopping": {
        "early_stopping": True,
        "lr_schedule": None,
        "tol": 0.5,
        "n_iter_no_change": 2,
        "validation_fraction": 0.3,
    },
    "stopped by the loss": {"lr_schedule": None, "tol": 10.0, "n_iter_no_change": 1},
    "instance": {"module": CNN(channels=(3, 5), hidden_units=20)},
}


class Die(Exception):
    """Simulates a process that is killed."""


class DieAfter(Callback):
    """Simulate a kill after n_epochs, once the checkpoint has been written."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.n_epochs + 1:
            raise Die


def state(clf):
    return {
        "weights": {k: v.clone() for k, v in clf.module_.state_dict().items()},
        "optimizer": json.dumps(
            clf.optimizer_.state_dict(), default=lambda tensor: tensor.tolist()
        ),
        "history": [
            {k: v for k, v in row.items() if k != "dur"} for row in clf.history
        ],
        "best": clf.best_validation_score_,
        "stopping": getattr(dict(clf.callbacks_).get("stopping"), "misses_", None),
    }


def assert_same(one, other):
    for name, weights in one.pop("weights").items():
        assert torch.equal(other["weights"][name], weights), name
    del other["weights"]
    assert one == other


BFLOAT16 = ("default", "sgd", "early stopping")
"""Trainings that are resumed in bfloat16, too."""


@pytest.mark.parametrize(
    ("name", "precision"),
    [*((name, "float32") for name in TRAININGS), *((n, "bfloat16") for n in BFLOAT16)],
)
def test_resumed_training_is_bit_identical(small, few, tmp_path, name, precision):
    parameters = {"precision": precision, **TRAININGS[name]}
    path = tmp_path / "training.safetensors"

    def make(*callbacks):
        scoring = EpochScoring("f1_micro", name="f1", lower_is_better=False)
        checkpoint = ("checkpoint", TrainingCheckpoint(path))
        make = MnistCNNClassifier if "module" in parameters else small
        return make(
            **{"max_epochs": 4, "random_state": 0, **parameters},
            callbacks=[checkpoint, ("f1", scoring), *callbacks],
        )

    whole = make().fit(*few)
    assert not path.exists()
    assert len(whole.history) >= 2
    for n_finished in range(1, len(whole.history)):
        with pytest.raises(Die):
            make(DieAfter(n_finished)).fit(*few)
        assert path.exists()
        assert_same(state(make().fit(*few)), state(whole))
        assert not path.exists()


def test_killed_more_than_once(small, few, tmp_path):
    path = tmp_path / "training"
    checkpoint = ("checkpoint", TrainingCheckpoint(path))
    whole = small(max_epochs=4).fit(*few)
    for n_finished in (1, 2, 3):
        clf = small(max_epochs=4, callbacks=[checkpoint, DieAfter(n_finished)])
        with pytest.raises(Die):
            clf.fit(*few)
        assert not hasattr(clf, "module_")  # a failed fit leaves nothing behind
    resumed = small(max_epochs=4, callbacks=[checkpoint]).fit(*few)
    assert_same(state(resumed), state(whole))


def test_random_seed_is_restored(small, few, tmp_path):
    """Without a fixed random state, training resumes with its original seed."""
    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training", keep=True))
    for random_state in (None, np.random.RandomState(3)):
        clf = small(random_state=random_state, callbacks=[checkpoint, DieAfter(1)])
        with pytest.raises(Die):
            clf.fit(*few)
        resumed = small(random_state=random_state, callbacks=[checkpoint]).fit(*few)
        again = small(random_state=random_state, callbacks=[checkpoint]).fit(*few)
        assert_same(state(resumed), state(again))
        os.remove(tmp_path / "training")


def test_keep(small, few, tmp_path):
    path = tmp_path / "training"
    keep = [("checkpoint", TrainingCheckpoint(path, keep=True))]
    parameters = {
        "early_stopping": True,
        "lr_schedule": None,
        "tol": 0.5,
        "max_epochs": 9,
        "n_iter_no_change": 1,
        "validation_fraction": 0.3,
    }
    clf = small(**parameters, callbacks=keep).fit(*few)
    assert clf.n_iter_ < 9
    assert path.exists()

    class NoTraining(Callback):
        def on_epoch_begin(self, net, **kwargs):
            raise AssertionError

    restored = small(**parameters, callbacks=[*keep, NoTraining()]).fit(*few)
    for name, weights in clf.module_.state_dict().items():
        assert torch.equal(restored.module_.state_dict()[name], weights)
    assert restored.validation_scores_ == clf.validation_scores_
    np.testing.assert_array_equal(
        restored.predict_proba(few[0]), clf.predict_proba(few[0])
    )


def test_ctrl_c_keeps_the_file(small, few, tmp_path, ctrl_c):
    path = tmp_path / "training"

    class Impatient(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 3:
                ctrl_c()

    checkpoint = ("checkpoint", TrainingCheckpoint(path))
    with pytest.warns(UserWarning, match="interrupted by user after 2 full epochs"):
        small(max_epochs=4, callbacks=[checkpoint, Impatient()]).fit(*few)
    resumed = small(max_epochs=4, callbacks=[checkpoint]).fit(*few)
    assert_same(state(resumed), state(small(max_epochs=4).fit(*few)))


def test_warm_start(small, few, tmp_path):
    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    whole = small(warm_start=True, max_epochs=3).fit(*few).fit(*few)
    clf = small(warm_start=True, max_epochs=3).fit(*few)
    with pytest.raises(Die):
        clf.set_params(callbacks=[checkpoint, DieAfter(4)]).fit(*few)
    assert clf.n_iter_ == 3
    clf.set_params(callbacks=[checkpoint]).fit(*few)
    assert_same(state(clf), state(whole))


def test_weights_and_labels(small, few, tmp_path):
    X, y = few
    names = np.array(list("jihgfedcba"), dtype=object)[y]
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    whole = small(max_epochs=3).fit(X, names, weights)
    with pytest.raises(Die):
        small(max_epochs=3, callbacks=[checkpoint, DieAfter(1)]).fit(X, names, weights)
    resumed = small(max_epochs=3, callbacks=[checkpoint])
    with pytest.raises(ValueError, match="with other images, labels or weights"):
        resumed.fit(X, names)
    assert_same(state(resumed.fit(X, names, weights)), state(whole))


def test_checkpoint_of_another_training_raises(small, few, tmp_path):
    X, y = few
    path = tmp_path / "training"
    checkpoint = ("checkpoint", TrainingCheckpoint(path))
    with pytest.raises(Die):
        small(callbacks=[checkpoint, DieAfter(1)]).fit(X, y)
    before = path.read_bytes()
    for parameters, message in (
        ({"lr": 0.1}, r"parameters, lr=0\.004 instead of lr=0\.1\."),
        ({"module__dropout": 0.5}, "module__dropout=None instead of"),
        ({"augmentation": RandomAffine}, "augmentation=None instead of"),
        ({"max_epochs": 3, "random_state": 1}, "max_epochs=2, random_state=0 instead"),
    ):
        with pytest.raises(ValueError, match=message):
            small(callbacks=[checkpoint], **parameters).fit(X, y)
    for others in ((X + 1, y), (X, y[::-1]), (X[:-1], y[:-1]), (X.astype(float), y)):
        with pytest.raises(ValueError, match="with other images, labels or weights"):
            small(callbacks=[checkpoint]).fit(*others)
    assert path.read_bytes() == before
    small(callbacks=[checkpoint], verbose=1, device="cpu").fit(X, y)  # these may differ


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RandomAffine(shift=2), RandomAffine(shift=3)),
        ([RandomAffine, RandomShift(1)], [RandomAffine, RandomShift(2)]),
        (functools.partial(torch.clamp, min=0), functools.partial(torch.clamp, min=9)),
        (torch.relu, torch.abs),
        (torch.nn.Conv2d(1, 1, 3, padding=1), torch.nn.Conv2d(1, 1, 3, padding=1)),
    ],
)
def test_augmentations_are_compared(small, few, tmp_path, one, other):
    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    with pytest.raises(Die):
        small(augmentation=one, callbacks=[checkpoint, DieAfter(1)]).fit(*few)
    with pytest.raises(ValueError, match="with other parameters, augmentation="):
        small(augmentation=other, callbacks=[checkpoint]).fit(*few)
    small(augmentation=one, callbacks=[checkpoint]).fit(*few)


def test_bad_files(small, few, tmp_path):
    path = tmp_path / "training"
    clf = small(callbacks=[("checkpoint", TrainingCheckpoint(path))])
    path.write_text("no such thing")
    with pytest.raises(ValueError, match="not a file of skmnist"):
        clf.fit(*few)
    os.remove(path)
    skmnist.save(small().fit(*few), path)
    with pytest.raises(ValueError, match="which is not the checkpoint of a training"):
        clf.fit(*few)
    for folder in (tmp_path, tmp_path / "none" / "file"):
        bad = small(callbacks=[TrainingCheckpoint(folder)])
        with pytest.raises(OSError, match="expected a file in an existing folder"):
            bad.fit(*few)
    os.remove(path)
    with pytest.raises(ValueError, match="Got 2 TrainingCheckpoints"):
        small(callbacks=[TrainingCheckpoint(path), TrainingCheckpoint("b")]).fit(*few)


def test_damaged_and_forged_files(small, few, tmp_path):
    path = tmp_path / "training"
    checkpoint = ("checkpoint", TrainingCheckpoint(path))
    with pytest.raises(Die):
        small(callbacks=[checkpoint, DieAfter(1)]).fit(*few)
    content = path.read_bytes()
    metadata, tensors = read_safe_file(path)
    for n in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:n])
        with pytest.raises(ValueError, match=r"not a file of skmnist|damaged"):
            small(callbacks=[checkpoint]).fit(*few)
    name = next(name for name in tensors if name.endswith("conv1.weight"))
    without = {k: v for k, v in tensors.items() if k != name}
    for forged in (without, {**tensors, name: tensors[name][:2]}):
        write_safe_file(path, metadata, forged)
        clf = small(callbacks=[checkpoint])
        with pytest.raises(ValueError, match="does not hold a training of this"):
            clf.fit(*few)
        assert not hasattr(clf, "module_")
    path.write_bytes(content)
    with pytest.raises(ValueError, match="the checkpoint of a training, not a model"):
        skmnist.load(path)
    small(callbacks=[checkpoint]).fit(*few)


def test_divergence_keeps_the_last_good_state(small, few, tmp_path):
    class Diverge(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                net.optimizer_.param_groups[0]["lr"] = 1e12

    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    parameters = {"lr_schedule": None, "max_epochs": 4}
    with pytest.raises(ValueError, match="Training diverged in epoch 2"):
        small(**parameters, callbacks=[checkpoint, Diverge()]).fit(*few)
    assert_same(
        state(small(**parameters, callbacks=[checkpoint]).fit(*few)),
        state(small(**parameters).fit(*few)),
    )


def test_skorch_lr_scheduler(small, few, tmp_path):
    def make(*callbacks):
        steps = ("steps", LRScheduler(StepLR, step_size=1, gamma=0.5))
        checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
        return small(
            lr_schedule=None, max_epochs=4, callbacks=[steps, checkpoint, *callbacks]
        )

    whole = make().fit(*few)
    with pytest.raises(Die):
        make(DieAfter(2)).fit(*few)
    assert_same(state(make().fit(*few)), state(whole))


def test_state_of_custom_callbacks(small, few, tmp_path):
    class Counter(Callback):
        def on_train_begin(self, net, **kwargs):
            self.n_, self.tensors_, self.other_ = 0, {"t": torch.ones(2)}, object()

        def on_epoch_end(self, net, **kwargs):
            self.n_ += 1
            self.tensors_["t"] = self.tensors_["t"] * 2
            self.score_ = float("nan")

    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    clf = small(max_epochs=4, callbacks=[checkpoint, Counter(), DieAfter(3)])
    with pytest.raises(Die):
        clf.fit(*few)
    clf = small(max_epochs=4, callbacks=[checkpoint, Counter()]).fit(*few)
    counter = dict(clf.callbacks_)["Counter"]
    assert counter.n_ == 4
    assert torch.equal(counter.tensors_["t"], torch.full((2,), 16.0))


def test_skorch_early_stopping(small, few, tmp_path):
    def make(*callbacks):
        stopping = ("stop", EarlyStopping("train_loss", patience=2, threshold=0.5))
        checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
        return small(
            lr_schedule=None, max_epochs=9, callbacks=[checkpoint, stopping, *callbacks]
        )

    whole = make().fit(*few)
    assert 3 <= whole.n_iter_ < 9
    for n_finished in range(1, whole.n_iter_):
        with pytest.raises(Die):
            make(DieAfter(n_finished)).fit(*few)
        assert_same(state(make().fit(*few)), state(whole))


def test_unserialisable_history_raises(small, few, tmp_path):
    class Record(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("net", net.module_)

    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    with pytest.raises(TypeError, match="in the history, but a safe file"):
        small(callbacks=[checkpoint, Record()]).fit(*few)
    assert os.listdir(tmp_path) == []


def test_partial_fit_writes_nothing(small, few, tmp_path):
    clf = small(callbacks=[TrainingCheckpoint(tmp_path / "training")])
    clf.fit(*few).partial_fit(*few)
    assert os.listdir(tmp_path) == []


def test_clones_and_cross_validation(small, few, tmp_path):
    clf = small(callbacks=[("checkpoint", TrainingCheckpoint(tmp_path / "training"))])
    np.testing.assert_array_equal(
        cross_val_score(clone(clf), *few, cv=3), cross_val_score(small(), *few, cv=3)
    )
    assert os.listdir(tmp_path) == []


def test_custom_network(few, tmp_path):
    class CustomNetwork(torch.nn.Module):
        def __init__(self, n_classes):
            super().__init__()
            self.norm = torch.nn.BatchNorm2d(1)
            self.layer = torch.nn.Linear(784, n_classes)

        def forward(self, X):
            return self.layer(self.norm(X).flatten(1)).log_softmax(1)

    def make(*callbacks):
        checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
        return ImageClassifier(
            CustomNetwork,
            max_epochs=3,
            random_state=0,
            callbacks=[checkpoint, *callbacks],
        )

    whole = make().fit(*few)
    with pytest.raises(Die):
        make(DieAfter(1)).fit(*few)
    assert_same(state(make().fit(*few)), state(whole))


SCRIPT = """
import os, signal, sys
from skorch.callbacks import Callback
from skmnist import MnistCNNClassifier
from skmnist.callbacks import TrainingCheckpoint
from sklearn.datasets import load_digits

class Kill(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

X, y = load_digits(return_X_y=True)
clf = MnistCNNClassifier(
    max_epochs=3, random_state=0, callbacks=[TrainingCheckpoint(sys.argv[1]), Kill()]
)
clf.fit(X[:300], y[:300])
print(clf.predict_proba(X).tobytes().hex())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_process(tmp_path):
    def run(killed_in):
        command = [sys.executable, "-c", SCRIPT, tmp_path / "training", str(killed_in)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole = run(0)
    assert whole.returncode == 0, whole.stderr
    killed = run(2)
    assert killed.returncode == -9
    assert os.listdir(tmp_path) == ["training"]
    assert run(0).stdout == whole.stdout
    assert os.listdir(tmp_path) == []


def test_file_size_grows_only_by_the_history(small, few, tmp_path):
    """Each epoch adds no more than its row of the history."""
    sizes = []

    class Size(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) > 1:
                sizes.append(Path(tmp_path / "training").stat().st_size)

    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    small(max_epochs=5, callbacks=[checkpoint, Size()]).fit(*few)
    assert len(sizes) == 4
    assert max(np.diff(sizes)) < 1000
    shutil.rmtree(tmp_path)


def test_frozen_layers(small, few, tmp_path):
    """skorch's Freezer freezes in the first epoch only."""

    def make(*callbacks):
        freezer = ("freezer", Freezer("conv1.*"))
        checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
        return small(max_epochs=3, callbacks=[freezer, checkpoint, *callbacks])

    whole = make().fit(*few)
    with pytest.raises(Die):
        make(DieAfter(1)).fit(*few)
    resumed = make().fit(*few)
    assert not resumed.module_.conv1.weight.requires_grad
    assert_same(state(resumed), state(whole))


def test_killed_when_the_last_epoch_was_written(small, few, tmp_path):
    """A training that was stopping has no epochs left."""

    class DieAtTheEnd(Callback):
        def on_train_end(self, net, **kwargs):
            raise Die

    def make(*callbacks):
        checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
        return small(
            max_epochs=9,
            lr_schedule=None,
            tol=10.0,
            n_iter_no_change=1,
            callbacks=[*callbacks, checkpoint],
        )

    whole = make().fit(*few)
    assert whole.n_iter_ < 9
    with pytest.raises(Die):
        make(DieAtTheEnd()).fit(*few)
    resumed = make().fit(*few)
    assert resumed.n_iter_ == whole.n_iter_
    assert torch.equal(resumed.module_.fc2.weight, whole.module_.fc2.weight)


def test_start_of_a_warm_start(small, few, tmp_path):
    """A training belongs to the weights that it started from."""
    checkpoint = ("checkpoint", TrainingCheckpoint(tmp_path / "training"))
    with pytest.raises(Die):
        small(warm_start=True, callbacks=[checkpoint, DieAfter(1)]).fit(*few)
    trained = small(warm_start=True).fit(*few).set_params(callbacks=[checkpoint])
    with pytest.raises(ValueError, match="other initial weights, of another"):
        trained.fit(*few)
    assert trained.n_iter_ == 2


def test_parameters_of_the_checkpoint(small, few, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    checkpoint = ("checkpoint", TrainingCheckpoint(one))
    for parameters, written in (
        ({"callbacks__checkpoint__path": other}, other),
        ({"callbacks__checkpoint": TrainingCheckpoint(other)}, other),
    ):
        for stop in ([DieAfter(1)], []):
            clf = small(callbacks=[checkpoint, *stop], **parameters)
            if stop:
                with pytest.raises(Die):
                    clf.fit(*few)
                assert TrainingCheckpoint(written).n_epochs == 1
            else:
                clf.fit(*few)
                assert clf.n_iter_ == 2
        assert os.listdir(tmp_path) == []
    small(callbacks=[checkpoint], callbacks__checkpoint=None).fit(*few)
    assert os.listdir(tmp_path) == []
    with pytest.raises(TypeError, match="Got the class TrainingCheckpoint"):
        small(callbacks=[TrainingCheckpoint]).fit(*few)


def test_relative_path(small, few, tmp_path, monkeypatch):
    class Change(Callback):
        def on_epoch_end(self, net, **kwargs):
            os.chdir(tmp_path / "folder")

    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    checkpoint = TrainingCheckpoint("training", keep=True)
    small(callbacks=[checkpoint, Change()]).fit(*few)
    assert sorted(os.listdir(tmp_path)) == ["folder", "training"]
    assert os.listdir(tmp_path / "folder") == []
