"""A worker of a search with Optuna, for test_optuna.py.

    python tests/classifiers/optuna_worker.py FOLDER [--hang {trial,write}]

runs trials of the study in FOLDER/journal.log until the file FOLDER/stop exists. With
`--hang`, it stays forever in the middle of its second trial, after the score of the
first fold, and creates the file FOLDER/hangs when it is there; with `--hang write` it
holds the lock of the journal, as while it writes.
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
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from skmnist import MnistCNNClassifier

X, y = (array[:200] for array in load_digits(return_X_y=True))
CLF = MnistCNNClassifier(
    max_epochs=1, module__channels=(5, 10), module__hidden_units=50, random_state=0
)
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
    trial.suggest_float("lr", 1e-6, 1e-2, log=True)
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
    parser.add_argument("--hang", choices=["trial", "write"])
    arguments = parser.parse_args()
    folder = arguments.folder
    trials_of_this_worker = []

    def objective(trial):
        trial.set_user_attr("worker", os.getpid())
        trials_of_this_worker.append(trial)
        return cross_validate(trial, after_fold)

    def after_fold(trial, fold):
        if arguments.hang and len(trials_of_this_worker) == 2:
            if arguments.hang == "write":
                open_lock(folder).acquire()
            (folder / "hangs").touch()
            time.sleep(600)

    def stop_if_told(study, trial):
        if (folder / "stop").exists():
            study.stop()

    open_study(folder).optimize(objective, callbacks=[stop_if_told])


if __name__ == "__main__":
    main()
