"""Searches in several processes, threads and on a Dask cluster."""

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
    """What the workers of a parallel search have; restored afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def large(sample):
    """Enough digits, of 8 bytes a pixel, for joblib to memory-map them."""
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


# "auto" is what the processor is able to, which a test cannot tell other processes.
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


class Surroundings:
    """A scorer that tells what a worker is like."""

    def __call__(self, clf, X, y):
        return torch.get_num_threads()


def test_workers_do_not_take_more_threads_than_there_are_cores(small, few):
    threads = cross_val_score(small(), *few, cv=2, n_jobs=2, scoring=Surroundings())
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
    """They share torch's generators, so one training waits for the other."""
    clf = small(module__dropout=0.3)
    serial = search(clf, *few, n_jobs=1)
    with joblib.parallel_config(backend="threading"):
        assert_same_scores(search(clf, *few, n_jobs=4), serial)


def test_predictions_while_another_thread_trains(small, few):
    """They come from the estimator as it was, and leave the training alone."""
    X, y = few
    asking, found = threading.Event(), []

    class Waiting(Callback):
        def on_epoch_end(self, net, **kwargs):
            n_found = len(found)
            while asking.is_set() and len(found) < n_found + 2:
                time.sleep(0.001)

    def make():
        parameters = {"module__dropout": 0.5, "lr_schedule": None, "lr": 0.02}
        clf = small(**parameters, warm_start=True, batch_size=20, max_epochs=5)
        return clf.set_params(callbacks=[Waiting()]).fit(X, y)

    trainings = {
        "warm start": lambda clf: clf.fit(X, y),
        "anew": lambda clf: clf.set_params(warm_start=False).fit(X, y),
        "partial_fit": lambda clf: [clf.partial_fit(X, y) for _ in range(5)],
    }
    for name, train in trainings.items():
        alone, clf = make(), make()
        train(alone)
        before = clf.predict_proba(X)
        found.clear()
        asking.set()
        thread = threading.Thread(target=train, args=[clf])
        thread.start()
        while thread.is_alive():
            found.append(clf.predict_proba(X))
            assert clf.predict(X).shape == y.shape
        thread.join()
        asking.clear()
        after = clf.predict_proba(X)
        assert len(found) >= 10
        if name != "partial_fit":  # where each call is a training of its own
            for answer in found:
                assert any(np.array_equal(answer, p) for p in (before, after))
        for key, values in alone.module_.state_dict().items():
            assert torch.equal(clf.module_.state_dict()[key], values)
        assert clf.loss_curve_ == alone.loss_curve_


def test_a_training_of_another_task_does_not_disturb_predictions(small, few):
    """Other classes and another shape, or a first training that is not over."""
    X, y = few
    clf, in_callback = small(), []

    class Asking(Callback):
        def on_epoch_end(self, net, **kwargs):
            in_callback.append(net.predict_proba(X[:, :676]).shape)
            other = threading.Thread(target=ask)
            other.start()
            other.join()

    def ask():
        try:
            answers.append(clf.predict(X))
        except NotFittedError:
            answers.append(None)

    answers = []
    clf.set_params(callbacks=[Asking()]).fit(X[:, :676], y > 4)
    assert answers == [None, None]
    assert in_callback == [(200, 2)] * 2
    clf.set_params(callbacks=None).fit(X, y)
    expected = clf.predict(X)
    clf.set_params(callbacks=[Asking()]).fit(X[:, :676], y > 4)
    for answer in answers[2:]:
        np.testing.assert_array_equal(answer, expected)
    assert clf.predict(X[:, :676]).dtype == bool


def test_a_training_waits_for_predictions_that_have_begun(small, few):
    X, y = few
    has_begun, may_end, answers = threading.Event(), threading.Event(), []

    class Slow(small().module):
        def forward(self, X):
            if threading.current_thread().name == "asking":
                has_begun.set()
                may_end.wait(60)
            return super().forward(X)

    def ask():
        answers.append(clf.predict_proba(X))

    clf = small(module=Slow, module__dropout=0.5).fit(X, y)
    expected = clf.predict_proba(X)
    asking = threading.Thread(target=ask, name="asking")
    asking.start()
    assert has_begun.wait(60)
    training = threading.Thread(target=clf.partial_fit, args=few)
    training.start()
    training.join(0.5)
    assert training.is_alive()
    may_end.set()
    asking.join()
    training.join()
    np.testing.assert_array_equal(answers[0], expected)
    assert clf.n_iter_ == 3


def test_a_training_does_not_wait_for_new_predictions(small, few):
    """Those that begin after it come from the estimator as it was."""
    X, y = few
    clf = small().fit(X, y)
    is_over = threading.Event()

    def ask():
        while not is_over.is_set():
            clf.predict(X)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        begin = time.monotonic()
        for _ in range(3):
            clf.partial_fit(X, y)
        assert time.monotonic() - begin < 60  # it waited for ever
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_partial_fit_in_several_threads(small, few):
    """Each goes on from the one before, the first ones too."""
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


def test_a_training_in_a_callback_of_its_own(small, few):
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

    class Asking(Callback):
        def on_grad_computed(self, net, **kwargs):
            thread = threading.Thread(target=ask, args=[net])
            thread.start()
            thread.join()

    def ask(net):
        outputs.append(net.forward(X))
        outputs.append(torch.cat(list(net.forward_iter(X))))

    parameters = {"module__dropout": 0.5, "iterator_valid__batch_size": 80}
    clf = small(**parameters).fit(X, y)
    expected = clf.forward(X)
    clf.set_params(callbacks=[Asking()]).partial_fit(X, y)
    assert len(outputs) == 8
    assert all(torch.equal(output, expected) for output in outputs)


def test_a_network_that_cannot_be_copied(small, few):
    """It trains, but does not predict in another thread meanwhile."""

    class Locked(small().module):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.lock = threading.Lock()

    class Asking(Callback):
        def on_epoch_end(self, net, **kwargs):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()

    def ask():
        with pytest.raises(RuntimeError, match=r"cannot be copied: cannot pickle"):
            clf.predict(few[0])
        asked.append(True)

    asked = []
    clf = small(module=Locked, max_epochs=1, callbacks=[Asking()])
    with pytest.raises(NotFittedError):
        clf.predict(few[0])
    clf.set_params(callbacks=None).fit(*few)
    clf.set_params(callbacks=[Asking()]).partial_fit(*few)
    assert asked == [True]
    assert clf.predict(few[0]).shape == (200,)


def test_threads_leave_the_generators_alone(small, few):
    before = torch.get_rng_state()
    threads = [threading.Thread(target=small().fit, args=few) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_another_thread_trains(small, few):
    """What the child inherits is a lock that nobody will open; it makes a new one."""
    training, may_end = threading.Event(), threading.Event()

    class Slow(Callback):
        def on_epoch_end(self, net, **kwargs):
            training.set()
            may_end.wait(60)

    thread = threading.Thread(target=small(callbacks=[Slow()]).fit, args=few)
    thread.start()
    assert training.wait(60)
    child = multiprocessing.get_context("fork").Process(target=enter_and_leave)
    child.start()
    child.join(30)
    may_end.set()
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
        # it was the workers who trained
        assert list(client.run(lambda: "torch" in sys.modules).values()) == [True] * 2
    assert_same_scores(found, serial)
