"""Searches with Optuna: pruning, and workers that are killed."""

import json
import os
import subprocess
import sys
import time

import optuna
import optuna_worker
import pytest
from optuna.storages.journal import JournalFileOpenLock, JournalFileSymlinkLock
from optuna.trial import TrialState
from optuna_integration import SkorchPruningCallback
from optuna_worker import FINISHED
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

RUNNING = (TrialState.RUNNING,)
GOOD = {"lr": 1e-2, "module__hidden_units": 50}
BAD = {"lr": 1e-4, "module__hidden_units": 50}


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a worker with one thread; kill all at the end."""
    workers = []

    def start(*arguments):
        number = len(workers)
        with (tmp_path / f"worker-{number}.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, optuna_worker.__file__, str(tmp_path), *arguments],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def wait_until(condition, folder, workers, seconds=300):
    """Wait until `condition()` is true; fail if a worker ends before."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or any(w.poll() is not None for w in workers):
            logs = [path.read_text() for path in sorted(folder.glob("worker-*.log"))]
            raise AssertionError("\n".join(["a worker ended, or waits", *logs]))
        time.sleep(0.05)


def print_table(study, title):
    """Print the trials of a study; `pytest -s` shows them."""
    print(f"\n{title}")
    for trial in study.trials:
        scores = " ".join(f"{s:.3f}" for s in trial.intermediate_values.values())
        lr = trial.params.get("lr", float("nan"))
        print(
            f"{trial.number:4}  {trial.state.name:8}  lr {lr:.1e}  {scores:17}",
            *(f"{key} {value}" for key, value in trial.user_attrs.items()),
            sep="  ",
        )


def test_killed_worker(start, tmp_path):
    """No finished trial is lost, the others go on, and a new worker takes part.

    The worker is killed in the middle of a trial, while it holds the journal's lock.
    """
    study = optuna_worker.open_study(tmp_path)
    hanging, other, new = start("--hang"), start(), start("--wait")
    wait_until((tmp_path / "hangs").exists, tmp_path, [hanging, other, new])

    def finished_by(worker):
        return [
            trial
            for trial in study.get_trials(states=FINISHED)
            if trial.user_attrs["worker"] == worker.pid
        ]

    hanging.kill()
    hanging.wait()
    print_table(study, "when a worker has been killed")
    before = study.get_trials(states=FINISHED)
    assert finished_by(hanging)
    assert finished_by(other)
    killed = next(
        trial
        for trial in study.get_trials(states=RUNNING)
        if trial.user_attrs.get("worker") == hanging.pid
    )
    assert list(killed.intermediate_values) == [0]

    n_before = len(finished_by(other))
    wait_until(
        lambda: len(finished_by(other)) >= n_before + 2, tmp_path, [other, new], 60
    )

    study.tell(killed.number, state=TrialState.FAIL)
    study.enqueue_trial(killed.params, user_attrs={"retry_of": killed.number})
    (tmp_path / "begin").touch()
    wait_until(lambda: finished_by(new), tmp_path, [other, new])
    (tmp_path / "stop").touch()
    for worker in (other, new):
        assert worker.wait(60) == 0

    study = optuna_worker.open_study(tmp_path)
    print_table(study, "at the end")
    trials = study.trials
    assert [trials[trial.number] for trial in before] == before
    assert [t.number for t in trials if t.state not in FINISHED] == [killed.number]
    assert trials[killed.number].state is TrialState.FAIL
    (retry,) = (t for t in trials if t.user_attrs.get("retry_of") == killed.number)
    assert retry.params == killed.params
    # the same training gives the same score
    assert retry.intermediate_values[0] == killed.intermediate_values[0]


@pytest.mark.parametrize("lock", [JournalFileSymlinkLock, JournalFileOpenLock])
def test_others_wait_half_a_minute_for_the_lock_of_a_killed_worker(lock, tmp_path):
    """By default, as the manual says; the test above waits for less."""
    assert lock(str(tmp_path / "journal.log")).grace_period == 30


def test_incomplete_line_in_the_journal(tmp_path):
    """It can be deleted, as the manual says."""
    study = optuna_worker.open_study(tmp_path)
    study.add_trial(optuna.create_trial(value=0.5))
    path = tmp_path / "journal.log"
    with path.open("a") as journal:
        journal.write(path.read_text().splitlines()[-1][:20] + "\n")
    with pytest.raises(json.JSONDecodeError):
        optuna_worker.open_study(tmp_path).ask()
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if line.endswith("}\n")))
    study = optuna_worker.open_study(tmp_path)
    assert study.best_value == 0.5
    assert study.ask().number > 0


def test_pruning_by_fold(tmp_path):
    study = optuna_worker.open_study(tmp_path)
    study.enqueue_trial(GOOD)
    study.enqueue_trial(BAD)
    study.optimize(optuna_worker.cross_validate, n_trials=2)
    good, bad = study.trials
    assert good.state is TrialState.COMPLETE
    assert list(good.intermediate_values) == [0, 1, 2]
    candidate = clone(optuna_worker.CLF).set_params(**GOOD)
    X, y, cv = optuna_worker.X, optuna_worker.y, optuna_worker.FOLDS
    assert good.value == cross_val_score(candidate, X, y, cv=cv).mean()
    assert bad.state is TrialState.PRUNED
    assert list(bad.intermediate_values) == [0]
    assert study.best_params == GOOD


def test_pruning_by_epoch():
    """optuna-integration's callback prunes a single fit, but cannot be cloned."""
    X, y = optuna_worker.X, optuna_worker.y
    classifiers = []

    def objective(trial):
        clf = clone(optuna_worker.CLF).set_params(
            lr=trial.suggest_float("lr", 1e-4, 1e-2, log=True),
            max_epochs=3,
            early_stopping=True,
            validation_fraction=0.25,
            callbacks=[SkorchPruningCallback(trial, "valid_acc")],
        )
        classifiers.append(clf)
        return clf.fit(X, y).best_validation_score_

    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )
    for parameters in (GOOD, BAD):
        study.enqueue_trial({"lr": parameters["lr"]})
    study.optimize(objective, n_trials=2)
    good, bad = study.trials
    assert good.state is TrialState.COMPLETE
    assert list(good.intermediate_values) == [0, 1, 2]
    assert bad.state is TrialState.PRUNED
    assert len(bad.intermediate_values) < 3
    with pytest.raises(TypeError, match="_trial"):
        clone(classifiers[0])
