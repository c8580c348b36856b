"""A worker of a search with Optuna, for test_optuna.py.

    python tests/classifiers/optuna_worker.py FOLDER [--hang] [--wait]

runs trials of the study in FOLDER/journal.log until the file FOLDER/stop exists. With
`--hang`, it goes on until it and another worker have finished a trial, then creates the
file FOLDER/hangs in the middle of a trial, after the score of the first fold, and stays
there, holding the lock of the journal as if it was writing. With `--wait`, it begins
when the file FOLDER/begin exists.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import RandomSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from skmnist import MnistCNNClassifier

X, y = (array[:200] for array in load_digits(return_X_y=True))
CLF = MnistCNNClassifier(
    max_epochs=1, module__channels=(5, 10), module__hidden_units=50, random_state=0
)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
GRACE_PERIOD = 3
"""Seconds; the default is 30, too long for a test."""


def open_lock(folder):
    path = str(folder / "journal.log")
    return JournalFileSymlinkLock(path, grace_period=GRACE_PERIOD)


def open_study(folder):
    """Open the study in a folder, or create it."""
    journal = JournalFileBackend(str(folder / "journal.log"), open_lock(folder))
    return optuna.create_study(
        storage=JournalStorage(journal),
        study_name="search",
        load_if_exists=True,
        direction="maximize",
        sampler=RandomSampler(),
        pruner=MedianPruner(n_startup_trials=1),
    )


def cross_validate(trial, after_fold=lambda trial, fold: None):
    """Return the mean score of a trial; prune it if its first folds are bad."""
    trial.suggest_float("lr", 1e-4, 1e-2, log=True)
    trial.suggest_int("module__hidden_units", 20, 50)
    candidate, scores = clone(CLF).set_params(**trial.params), []
    for fold, (train, held_out) in enumerate(FOLDS.split(X, y)):
        candidate.fit(X[train], y[train])
        scores.append(candidate.score(X[held_out], y[held_out]))
        trial.report(np.mean(scores), step=fold)
        after_fold(trial, fold)
        if trial.should_prune():
            raise optuna.TrialPruned
    return np.mean(scores)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--wait", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    while arguments.wait and not (folder / "begin").exists():
        time.sleep(0.05)
    study = open_study(folder)

    def objective(trial):
        trial.set_user_attr("worker", os.getpid())
        return cross_validate(trial, after_fold)

    def after_fold(trial, fold):
        finished = study.get_trials(states=FINISHED)
        workers = {trial.user_attrs["worker"] for trial in finished}
        may_hang = arguments.hang and fold == 0
        if may_hang and os.getpid() in workers and len(workers) == 2:
            open_lock(folder).acquire()
            (folder / "hangs").touch()
            time.sleep(600)

    def stop_if_told(study, trial):
        if (folder / "stop").exists():
            study.stop()

    study.optimize(objective, callbacks=[stop_if_told])


if __name__ == "__main__":
    main()
