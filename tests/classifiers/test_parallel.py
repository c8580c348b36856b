"""Searches in several processes or threads, and on a Dask cluster."""

import multiprocessing
import os
import sys
import threading
import time

import joblib
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

from skmnist.classifiers._random_state import fork_rng

GRID = {"lr": [0.05, 0.1], "batch_size": [16, 32]}


@pytest.fixture
def one_thread():
    """Use one torch thread, as the workers of a parallel search do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def large(sample):
    """Digits with 8 bytes per pixel, enough for joblib to memory-map them."""
    X, y = sample
    X, y = X[::5].astype(np.int64), y[::5]
    assert X.nbytes > 1_000_000
    return X, y


def search(clf, X, y, n_jobs):
    return GridSearchCV(clf, GRID, cv=2, n_jobs=n_jobs, error_score="raise").fit(X, y)


def assert_same_scores(found, expected):
    names = [name for name in expected.cv_results_ if name.endswith("test_score")]
    assert len(names) == 5
    for name in names:
        np.testing.assert_array_equal(
            found.cv_results_[name], expected.cv_results_[name]
        )
    assert found.best_params_ == expected.best_params_


# "auto" depends on the processor, which a test cannot patch in other processes.
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_processes_give_the_same_scores(small, large, precision):
    X, y = large
    clf = small(precision=precision)
    serial = search(clf, X, y, n_jobs=1)
    assert len(set(serial.cv_results_["mean_test_score"])) > 1
    parallel = search(clf, X, y, n_jobs=2)  # warnings are errors here
    assert_same_scores(parallel, serial)
    np.testing.assert_array_equal(parallel.predict_proba(X), serial.predict_proba(X))


class CountThreads:
    """A scorer that returns the number of threads of a worker."""

    def __call__(self, clf, X, y):
        return torch.get_num_threads()


def test_workers_do_not_use_more_threads_than_cores(small, few):
    threads = cross_val_score(small(), *few, cv=2, n_jobs=2, scoring=CountThreads())
    assert threads.max() <= max(1, joblib.cpu_count() // 2)


@pytest.mark.usefixtures("one_thread")
def test_read_only_memory_maps(small, large, tmp_path):
    X, y = large
    joblib.dump((X.astype(np.uint8), y), tmp_path / "digits")
    mapped, labels = joblib.load(tmp_path / "digits", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    clf = small().fit(mapped, labels)
    np.testing.assert_array_equal(
        clf.predict_proba(mapped), small().fit(X, y).predict_proba(X)
    )


@pytest.mark.usefixtures("one_thread")
def test_threads_give_the_same_scores(small, few):
    """They share torch's generators, so only one of them trains at a time."""
    clf = small(module__dropout=0.3)
    serial = search(clf, *few, n_jobs=1)
    with joblib.parallel_config(backend="threading"):
        assert_same_scores(search(clf, *few, n_jobs=4), serial)


def test_predictions_while_another_thread_trains(small, few):
    """They use the estimator as it was before, and do not affect the training."""
    X, y = few
    predicting, found = threading.Event(), []

    class Waiting(Callback):
        def on_epoch_end(self, net, **kwargs):
            n_found = len(found)
            while predicting.is_set() and len(found) < n_found + 2:
                time.sleep(0.001)

    def make():
        parameters = {"module__dropout": 0.5, "lr_schedule": None, "lr": 0.02}
        clf = small(**parameters, warm_start=True, batch_size=20, max_epochs=5)
        return clf.set_params(callbacks=[Waiting()]).fit(X, y)

    trainings = {
        "warm start": lambda clf: clf.fit(X, y),
        "cold start": lambda clf: clf.set_params(warm_start=False).fit(X, y),
        "partial_fit": lambda clf: [clf.partial_fit(X, y) for _ in range(5)],
    }
    for name, train in trainings.items():
        alone, clf = make(), make()
        train(alone)
        before = clf.predict_proba(X)
        found.clear()
        predicting.set()
        thread = threading.Thread(target=train, args=[clf])
        thread.start()
        while thread.is_alive():
            found.append(clf.predict_proba(X))
            assert clf.predict(X).shape == y.shape
        thread.join()
        predicting.clear()
        after = clf.predict_proba(X)
        assert len(found) >= 10
        if name != "partial_fit":  # each call of which is a separate training
            for prediction in found:
                assert any(np.array_equal(prediction, p) for p in (before, after))
        for key, values in alone.module_.state_dict().items():
            assert torch.equal(clf.module_.state_dict()[key], values)
        assert clf.loss_curve_ == alone.loss_curve_


def test_training_on_other_data_does_not_affect_predictions(small, few):
    """With other classes and another shape, and during a first training."""
    X, y = few
    clf, in_callback = small(), []

    class Predicting(Callback):
        def on_epoch_end(self, net, **kwargs):
            in_callback.append(net.predict_proba(X[:, :676]).shape)
            other = threading.Thread(target=predict)
            other.start()
            other.join()

    def predict():
        try:
            predictions.append(clf.predict(X))
        except NotFittedError:
            predictions.append(None)

    predictions = []
    clf.set_params(callbacks=[Predicting()]).fit(X[:, :676], y > 4)
    assert predictions == [None, None]
    assert in_callback == [(200, 2)] * 2
    clf.set_params(callbacks=None).fit(X, y)
    expected = clf.predict(X)
    clf.set_params(callbacks=[Predicting()]).fit(X[:, :676], y > 4)
    for prediction in predictions[2:]:
        np.testing.assert_array_equal(prediction, expected)
    assert clf.predict(X[:, :676]).dtype == bool


def test_training_waits_for_running_predictions(small, few):
    X, y = few
    started, may_finish, predictions = threading.Event(), threading.Event(), []

    class Slow(small().module):
        def forward(self, X):
            if threading.current_thread().name == "predicting":
                started.set()
                may_finish.wait(60)
            return super().forward(X)

    def predict():
        predictions.append(clf.predict_proba(X))

    clf = small(module=Slow, module__dropout=0.5).fit(X, y)
    expected = clf.predict_proba(X)
    predicting = threading.Thread(target=predict, name="predicting")
    predicting.start()
    assert started.wait(60)
    training = threading.Thread(target=clf.partial_fit, args=few)
    training.start()
    training.join(0.5)
    assert training.is_alive()
    may_finish.set()
    predicting.join()
    training.join()
    np.testing.assert_array_equal(predictions[0], expected)
    assert clf.n_iter_ == 3


def test_training_does_not_wait_for_new_predictions(small, few):
    """Predictions that start later use the estimator as it was before."""
    X, y = few
    clf = small().fit(X, y)
    is_over = threading.Event()

    def predict():
        while not is_over.is_set():
            clf.predict(X)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        begin = time.monotonic()
        for _ in range(3):
            clf.partial_fit(X, y)
        assert time.monotonic() - begin < 60  # it used to wait forever
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_partial_fit_in_several_threads(small, few):
    """Each call continues from the previous one, the first calls too."""
    X, y = few
    clf = small()
    threads = [
        threading.Thread(target=clf.partial_fit, args=(X, y, range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clf.n_iter_ == 4


def test_training_in_its_own_callback_raises(small, few):
    class Nested(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.partial_fit(*few)

    clf = small().fit(*few)
    expected = clf.predict_proba(few[0])
    with pytest.raises(RuntimeError, match=r"in a callback.*Train a copy there"):
        clf.set_params(callbacks=[Nested()]).fit(*few)
    np.testing.assert_array_equal(clf.predict_proba(few[0]), expected)


def test_forward_while_another_thread_trains(small, few):
    X, y = few
    outputs = []

    class Predicting(Callback):
        def on_grad_computed(self, net, **kwargs):
            thread = threading.Thread(target=predict, args=[net])
            thread.start()
            thread.join()

    def predict(net):
        outputs.append(net.forward(X))
        outputs.append(torch.cat(list(net.forward_iter(X))))

    parameters = {"module__dropout": 0.5, "iterator_valid__batch_size": 80}
    clf = small(**parameters).fit(X, y)
    expected = clf.forward(X)
    clf.set_params(callbacks=[Predicting()]).partial_fit(X, y)
    assert len(outputs) == 8
    assert all(torch.equal(output, expected) for output in outputs)


def test_network_that_cannot_be_copied(small, few):
    """It trains, but cannot predict in another thread during training."""

    class Locked(small().module):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.lock = threading.Lock()

    class Predicting(Callback):
        def on_epoch_end(self, net, **kwargs):
            thread = threading.Thread(target=predict)
            thread.start()
            thread.join()

    def predict():
        with pytest.raises(RuntimeError, match=r"cannot be copied: cannot pickle"):
            clf.predict(few[0])
        called.append(True)

    called = []
    clf = small(module=Locked, max_epochs=1, callbacks=[Predicting()])
    with pytest.raises(NotFittedError):
        clf.predict(few[0])
    clf.set_params(callbacks=None).fit(*few)
    clf.set_params(callbacks=[Predicting()]).partial_fit(*few)
    assert called == [True]
    assert clf.predict(few[0]).shape == (200,)


def test_threads_do_not_change_the_generators(small, few):
    before = torch.get_rng_state()
    threads = [threading.Thread(target=small().fit, args=few) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_another_thread_trains(small, few):
    """The child inherits a lock that is never released, and creates a new one."""
    training, may_finish = threading.Event(), threading.Event()

    class Slow(Callback):
        def on_epoch_end(self, net, **kwargs):
            training.set()
            may_finish.wait(60)

    thread = threading.Thread(target=small(callbacks=[Slow()]).fit, args=few)
    thread.start()
    assert training.wait(60)
    child = multiprocessing.get_context("fork").Process(target=enter_and_leave)
    child.start()
    child.join(30)
    may_finish.set()
    thread.join()
    assert child.exitcode == 0


def enter_and_leave():
    fork_rng(torch.device("cpu"), lambda: None)


@pytest.mark.usefixtures("one_thread")
def test_dask_gives_the_same_scores(small, large):
    X, y = large
    clf = small(precision="float32")
    serial = search(clf, X, y, n_jobs=1)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        with joblib.parallel_config(backend="dask"):
            found = search(clf, X, y, n_jobs=-1)
        # the workers did the training
        assert list(client.run(lambda: "torch" in sys.modules).values()) == [True] * 2
    assert_same_scores(found, serial)
