"""Callbacks and subclasses see each batch as in skorch's loop; others cost nothing."""

import gc
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import BatchScoring, Callback, EpochScoring
from skorch.dataset import ValidSplit
from torch.utils.data import DataLoader

from skmnist import MnistCNNClassifier, RandomAffine
from skmnist.callbacks import StopTraining


class SkorchLoop(MnistCNNClassifier):
    """Trains with skorch's loop over the batches."""

    run_single_epoch = NeuralNet.run_single_epoch


class SkorchCalls(SkorchLoop):
    """Calls callbacks as skorch does, with encoded labels; here they are the labels."""

    notify = NeuralNet.notify


class Recorder(Callback):
    """Records what the hooks of the batches receive, and what the history has then."""

    def initialize(self):
        self.calls_ = []
        return self

    def on_batch_begin(self, net, **kwargs):
        self._record("begin", net, **kwargs)

    def on_grad_computed(self, net, named_parameters, **kwargs):
        gradients = {name: w.grad.tolist() for name, w in named_parameters}
        assert [name for name, _ in named_parameters] == list(gradients)  # once more
        self._record("gradients", net, gradients=gradients, **kwargs)

    def on_batch_end(self, net, **kwargs):
        self._record("end", net, **kwargs)

    def _record(self, name, net, batch, **kwargs):
        images, labels = batch
        received = {k: v.tolist() if k in LOSS else v for k, v in kwargs.items()}
        rows = [dict(row) for row in net.history[-1]["batches"]]
        labels = np.asarray(labels).tolist()
        self.calls_.append((name, images.tolist(), labels, received, rows))


LOSS = ("loss", "y_pred")

TRAININGS = {
    "default": {},
    "float32": {"precision": "float32"},
    "validation": {"train_split": ValidSplit(4, stratified=True)},
    "constant": {"lr_schedule": None},
    "weights": {"class_weight": "balanced"},
    "augmentation": {"augmentation": RandomAffine},
    "lbfgs": {"optimizer": torch.optim.LBFGS, "lr": 0.1, "batch_size": -1},
    "loader": {"iterator_train": DataLoader},
    "groups": {"optimizer__param_groups": [("conv*", {"lr": 0.001})]},
    "scores": {
        "train_split": ValidSplit(4),
        "callbacks": [
            EpochScoring("f1_macro", name="f1", on_train=True),
            EpochScoring("f1_macro", name="f1_valid"),
            EpochScoring("neg_log_loss", name="log_loss", use_caching=False),
        ],
    },
}


def summarize(clf):
    """Return the history in its order, without durations, and the weights."""
    history = [
        [item for item in row.items() if item[0] not in ("dur", "batches")]
        + [list(batch.items()) for batch in row["batches"]]
        for row in clf.history
    ]
    return history, [w.tolist() for w in clf.module_.parameters()]


def refuse(net, iterator, *args, **kwargs):
    """Show that skorch's loop is not used."""
    assert iterator is None


@pytest.mark.parametrize("name", TRAININGS)
def test_the_result_is_that_of_the_loop_of_skorch(small, few, name, monkeypatch):
    clf = small(**TRAININGS[name])
    skorch = SkorchLoop(**clf.get_params(deep=False))
    expected = summarize(skorch.fit(*few))
    monkeypatch.setattr(NeuralNet, "run_single_epoch", refuse)
    assert summarize(clf.fit(*few)) == expected


@pytest.mark.parametrize("split", [None, ValidSplit(4)])
def test_callbacks_see_the_batches_as_in_skorch(small, few, split):
    clf = small(callbacks=[("recorder", Recorder())], train_split=split)
    skorch = SkorchCalls(**clf.get_params(deep=False))
    calls = [
        dict(c.fit(*few).callbacks_)["recorder"].calls_.copy() for c in (clf, skorch)
    ]
    assert len(calls[0]) == 2 * (3 * 4 if split is None else 3 * 3 + 2 * 1)
    assert calls[0] == calls[1]


def test_outputs_of_the_batches_have_no_graph(small, few):
    class Check(Callback):
        def on_batch_end(self, net, y_pred, **kwargs):
            assert not y_pred.requires_grad

    small(callbacks=[Check()]).fit(*few)


@pytest.mark.parametrize("hook", ["on_batch_begin", "on_grad_computed", "on_batch_end"])
def test_each_hook_sees_the_losses_so_far(small, few, hook):
    seen = []

    def look(net, **kwargs):
        losses = [row.get("train_loss") for row in net.history[-1]["batches"]]
        seen.append([type(loss) for loss in losses])

    callback = Callback()
    setattr(callback, hook, look)
    small(callbacks=[callback], max_epochs=1).fit(*few)
    last = float if hook == "on_batch_end" else type(None)
    assert seen == [[float] * n + [last] for n in range(4)]


@pytest.mark.parametrize(
    "method", ["train_step", "train_step_single", "on_batch_begin"]
)
def test_methods_of_a_subclass_see_the_losses_so_far(small, few, method):
    seen = []

    class Watching(MnistCNNClassifier):
        pass

    def watch(self, *args, **kwargs):
        seen.append([row.get("train_loss") for row in self.history[-1]["batches"]])
        return getattr(super(Watching, self), method)(*args, **kwargs)

    setattr(Watching, method, watch)
    clf = Watching(**small(max_epochs=1).get_params(deep=False)).fit(*few)
    losses = clf.history[0, "batches", :, "train_loss"]
    assert [[x for x in row if x is not None] for row in seen] == [
        losses[:n] for n in range(4)
    ]


@pytest.mark.parametrize("method", ["infer", "get_loss", "run_single_epoch"])
def test_methods_of_a_subclass_are_called(small, few, method):
    calls = []

    class Counting(MnistCNNClassifier):
        pass

    def count(self, *args, **kwargs):
        calls.append(method)
        return getattr(super(Counting, self), method)(*args, **kwargs)

    setattr(Counting, method, count)
    parameters = small(max_epochs=1, label_smoothing=0).get_params(deep=False)
    clf = Counting(**parameters).fit(*few)
    assert len(calls) == (2 if method == "run_single_epoch" else 4)
    assert clf.loss_curve_ == MnistCNNClassifier(**parameters).fit(*few).loss_curve_


@pytest.mark.parametrize("split", [None, ValidSplit(5)])
def test_an_epoch_keeps_no_tensors_of_its_batches(small, few, split):
    """Small ones that stay break up the memory that large ones of each batch need."""
    counts = []

    def count(images):
        counts.append(sum(type(x) is torch.Tensor for x in gc.get_objects()))
        return images

    small(augmentation=count, batch_size=8, train_split=split).fit(*few)
    assert len(counts) > 10
    assert max(counts[2:]) <= counts[1]


@pytest.mark.parametrize("watched", [False, True])
def test_losses_are_read_once_unless_a_callback_sees_them(
    small, few, watched, monkeypatch
):
    """As if they were on a GPU."""
    read = []
    item = torch.Tensor.item

    def record(tensor):
        if tensor.dtype == torch.float32:
            read.append(tensor)
        return item(tensor)

    monkeypatch.setattr(torch.Tensor, "item", record)
    monkeypatch.setattr("skmnist.classifiers._epoch.is_slow_to_read", lambda loss: True)
    callbacks = [BatchScoring("accuracy", name="batch", on_train=True)]
    parameters = {"callbacks": callbacks if watched else None, "max_epochs": 1}
    small(**parameters, batch_size=100).fit(*few)
    n_read = len(read)
    small(**parameters, batch_size=10).fit(*few)
    assert len(read) - 2 * n_read == (18 if watched else 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, StopTraining])
@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_an_interrupted_epoch_keeps_its_losses(small, few, error):
    losses = []
    for cls in (MnistCNNClassifier, SkorchLoop):
        calls = iter(range(10))

        def interrupt(images, calls=calls):
            if next(calls) == 6:
                raise error
            return images

        parameters = small(augmentation=interrupt).get_params(deep=False)
        clf = cls(**parameters).fit(*few)
        assert clf.n_iter_ == 1
        losses.append(clf.history[:, "batches", :, "train_loss"])
    assert losses[0] == losses[1]
    assert [len(epoch) for epoch in losses[0]] == [4, 2]


FAULTS = """
import resource, sys, torch
from skmnist.classifiers._freed_memory import keep_freed_memory

if "keep" in sys.argv:
    keep_freed_memory()
for mebibytes in (20, 19):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(mebibytes * 2**20, dtype=torch.uint8)  # freed at once
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc")
@pytest.mark.parametrize("keep", [False, True])
def test_glibc_keeps_freed_memory_once_told(keep):
    """A second block takes the memory of the first without page faults."""
    # Without a training, which may leave so much at the end of the heap that glibc
    # returns it nevertheless. The second block is smaller because an aligned block of
    # the same size fits only if no other block has been placed after the first.
    command = [sys.executable, "-c", FAULTS, *["keep"] * keep]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert (second < first / 10) == keep


def test_fit_and_predictions_of_several_batches_keep_freed_memory(
    small, few, monkeypatch
):
    calls = []
    for module in ("_training_loop", "_image_classifier"):
        name = f"skmnist.classifiers.{module}.keep_freed_memory"
        monkeypatch.setattr(name, lambda: calls.append("keep"))
    X, y = few
    clf = small().fit(X, y)
    assert len(calls) == 1
    clf.predict(X)
    assert len(calls) == 2
    clf.predict(X[:1])  # which would feel it
    assert len(calls) == 2
