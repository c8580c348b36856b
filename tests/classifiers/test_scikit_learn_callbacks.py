"""scikit-learn's callbacks, from the search down to the epoch."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.callback._progressbar import _run_monitors
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback


class Recorder:
    """Records each call, and stops training after `stop_after` epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.calls = []
        self.fitted = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self.calls.append(f"begin {context.task_name} {context.task_id}")
        self.data = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.calls.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append(fitted_estimator)
        return context.task_name == "epoch" and (
            self.stop_after is not None and context.task_id + 1 >= self.stop_after
        )


class WatchedProgressBar(ProgressBar):
    """Keeps the thread that draws the bars."""

    def teardown(self, estimator, context):
        self.monitor = _run_monitors[context.root_uuid]
        super().teardown(estimator, context)


@pytest.fixture
def thread_errors(monkeypatch):
    """Unhandled exceptions in threads."""
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    return errors


def pickle_round_trip(clf):
    clf = copy.copy(clf).set_params(callbacks=None).set_callbacks()
    clf.callbacks_ = []
    return pickle.loads(pickle.dumps(clf))


def flat(clf):
    return torch.cat([w.detach().flatten() for w in clf.module_.parameters()])


def test_root_and_epoch_tasks(small, few):
    X, y = few
    recorder = Recorder()
    clf = small(max_epochs=2).set_callbacks(recorder)
    clf.fit(X, y, sample_weight=1 + y)
    assert recorder.calls == [
        *("setup", "begin fit 0"),
        *("begin epoch 0", "end epoch 0", "begin epoch 1", "end epoch 1"),
        *("end fit 0", "teardown"),
    ]
    assert recorder.data[0] is X
    np.testing.assert_array_equal(recorder.data[1], y)
    np.testing.assert_array_equal(recorder.data[2]["sample_weight"], 1 + y)
    recorder.calls.clear()
    clf.partial_fit(X, y)
    assert recorder.calls[1:-1] == [
        *("begin partial_fit 0", "begin epoch 0", "end epoch 0", "end partial_fit 0")
    ]
    assert recorder.data[2] is None


def test_callbacks_do_not_affect_training(small, few):
    plain = small().fit(*few)
    watched = small().set_callbacks(Recorder(), ScoringMonitor(scoring="accuracy"))
    assert torch.equal(flat(watched.fit(*few)), flat(plain))


def test_the_fitted_estimator_is_a_frozen_copy(small, few):
    X, y = few
    recorder = Recorder()
    clf = small(max_epochs=3, lr_schedule=None, lr=0.02).set_callbacks(recorder)
    clf.fit(X, y)
    *epochs, whole = recorder.fitted
    for n, frozen in enumerate(epochs, start=1):
        assert frozen.n_iter_ == n
        stopped = clone(clf).set_callbacks().set_params(max_epochs=n).fit(X, y)
        assert torch.equal(flat(frozen), flat(stopped))
        np.testing.assert_array_equal(frozen.predict(X), stopped.predict(X))
    assert torch.equal(flat(whole), flat(clf))


@pytest.mark.parametrize("stop_after", [1, 2, 9])
def test_callbacks_can_stop_training(small, few, stop_after):
    recorder = Recorder(stop_after)
    clf = small(max_epochs=4).set_callbacks(recorder).fit(*few)
    assert clf.n_iter_ == min(stop_after, 4)
    assert sum("end epoch" in call for call in recorder.calls) == clf.n_iter_
    assert recorder.calls[-2:] == ["end fit 0", "teardown"]


def test_last_epoch_of_early_stopping_has_an_end(small, few):
    """Also if the estimator itself stops training."""
    recorder = Recorder()
    clf = small(tol=10.0, n_iter_no_change=1, lr_schedule=None, lr=0.02, max_epochs=9)
    assert clf.set_callbacks(recorder).fit(*few).n_iter_ == 3
    assert recorder.calls[-4:] == [
        *("begin epoch 2", "end epoch 2", "end fit 0", "teardown")
    ]


@pytest.mark.parametrize("copier", [copy.deepcopy, copy.copy, pickle_round_trip])
def test_copies_during_training(small, few, copier):
    """Copies made in callbacks of either library are small and can predict."""
    copies = []

    class Copying(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            copies.append(copier(fitted_estimator))

    class SkorchCopying(Callback):
        def on_epoch_end(self, net, **kwargs):
            copies.append(copier(net))

    clf = small(
        early_stopping=True, max_epochs=2, callbacks=[SkorchCopying()]
    ).set_callbacks(Copying())
    clf.fit(*few, sample_weight=1 + few[1])
    assert len(copies) == 5
    for made in copies:
        assert made.predict(few[0]).shape == (200,)
        assert not hasattr(made, "optimizer_")
        assert not any("callback_fit" in name for name in vars(made))


class Pickling(Callback):
    """Pickles the classifier, with its callbacks, during training."""

    def __init__(self):
        self.pickles = []

    def on_batch_end(self, net, training, **kwargs):
        if len(net.history) == 2:
            self.pickles.append(pickle.dumps(net))

    def __getstate__(self):
        return {"pickles": []}


def test_pickle_during_training_has_no_optimizer(small, few):
    X, y = few
    pickling = Pickling()
    clf = small(callbacks=[pickling], module__hidden_units=500).fit(X, y)
    network = len(pickle.dumps(clf.module_.state_dict()))
    assert len(pickling.pickles) == 4
    for content in pickling.pickles:
        assert len(content) < network + 64 * 1024  # momentum would double it
        copied = pickle.loads(content)
        assert not hasattr(copied, "optimizer_")
        assert copied.partial_fit(X, y).predict(X).shape == (200,)


def test_callbacks_are_torn_down_after_an_error(small, few, thread_errors):
    class Failing(small().module):
        def forward(self, X):
            raise ZeroDivisionError

    recorder, bar = Recorder(), WatchedProgressBar()
    clf = small(module=Failing).set_callbacks(recorder, bar)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            clf.fit(*few)
        assert recorder.calls[-1] == "teardown"
        assert not bar.monitor.is_alive()
    assert not thread_errors
    assert not any(name.startswith("_callback") for name in vars(clf))


def test_scoring_monitor(small, few):
    monitor = ScoringMonitor(scoring="accuracy")
    clf = small(max_epochs=5, batch_size=20).set_callbacks(monitor).fit(*few)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 5
    assert scores[-1] == clf.score(*few) > scores[0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_of_search_folds_and_epochs(
    small, few, n_jobs, thread_errors, capsys
):
    pipeline = make_pipeline(StandardScaler(), small(max_epochs=3))
    grid = {"mnistcnnclassifier__lr": [0.05, 0.1]}
    for estimator, parameters in (
        (small(max_epochs=3), {"lr": [0.05, 0.1]}),
        (pipeline, grid),
    ):
        bar = WatchedProgressBar(max_propagation_depth=None)
        search = GridSearchCV(estimator, parameters, cv=2, n_jobs=n_jobs)
        search.set_callbacks(bar).fit(*few)
        assert not bar.monitor.is_alive()
        assert not thread_errors
        tasks = bar.monitor.progress_ctx.tasks
        fits = [t for t in tasks if "MnistCNNClassifier - fit" in t.description]
        assert len(fits) == 5  # two folds for each of two rates, and the refit
        assert all(task.finished and task.percentage == 100 for task in tasks)
        assert "MnistCNNClassifier - fit" in capsys.readouterr().out


def test_progress_bar_reaches_100_percent_after_early_stopping(
    small, few, thread_errors
):
    bar = WatchedProgressBar()
    clf = small(
        max_epochs=50,
        lr_schedule=None,
        lr=0.02,
        early_stopping=True,
        n_iter_no_change=1,
    )
    clf.set_callbacks(bar).fit(*few)
    assert clf.n_iter_ < 50
    assert [task.percentage for task in bar.monitor.progress_ctx.tasks] == [100]
    assert not thread_errors


def test_invalid_callback_raises(small):
    with pytest.raises(TypeError, match="FitCallback protocol"):
        small().set_callbacks(3)


def test_hooks_that_draw_random_numbers(small, few):
    class Draw(Recorder):
        def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
            torch.rand(3)
            np.random.rand(3)

    clf = small().set_callbacks(Draw()).fit(*few)
    assert clf.loss_curve_ == small().fit(*few).loss_curve_
