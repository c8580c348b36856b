"""Searches in several processes, threads and on a Dask cluster."""

import multiprocessing
import os
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

from skmnist._training import private_generators

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
    with private_generators(torch.device("cpu")):
        pass


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
