"""
A search with Optuna
====================

`Optuna <https://optuna.org>`_ chooses parameters by the results of earlier trials, ends
bad trials early, and keeps the search in a file. Any number of processes share it, and
the search outlives each of them. This example searches with two processes, repeats a
trial whose process was killed, and draws the study.
"""

# %%
# The objective
# -------------
# A trial draws its parameters and trains a small network once for each fold, on a part
# of the training digits. After each fold it reports the mean score so far;
# ``should_prune`` compares this with the complete trials after as many folds.

import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import optuna
from joblib import Parallel, delayed
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)
X_part, y_part = X_train[::8], y_train[::8]

clf = MnistCNNClassifier(module__channels=(8, 16), max_epochs=1, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)


def objective(trial):
    trial.suggest_float("lr", 1e-4, 0.1, log=True)
    trial.suggest_float("module__dropout", 0, 0.5)
    candidate, scores = clone(clf).set_params(**trial.params), []
    for fold, (train, held_out) in enumerate(folds.split(X_part, y_part)):
        candidate.fit(X_part[train], y_part[train])
        scores.append(candidate.score(X_part[held_out], y_part[held_out]))
        trial.report(np.mean(scores), step=fold)
        if trial.should_prune():
            raise optuna.TrialPruned
    return np.mean(scores)


# %%
# Two workers
# -----------
# Each worker opens the file and runs trials until the study has enough. Here joblib
# starts them; usually, each is a program of its own, on any machine that sees the file.

finished = (TrialState.COMPLETE, TrialState.PRUNED)


def open_study(path):
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))),
        study_name="search",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )


def work(path, n_trials):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    enough = MaxTrialsCallback(n_trials, states=finished)
    open_study(path).optimize(objective, callbacks=[enough])


optuna.logging.set_verbosity(optuna.logging.WARNING)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "search.log"
Parallel(n_jobs=2)(delayed(work)(path, n_trials=14) for _ in range(2))
study = open_study(path)
print(len(study.trials), "trials")

# %%
# A trial that was cut off
# ------------------------
# The trial of a worker that was killed stays ``RUNNING``. A trial that is begun and
# never ended stands for it here. It is failed, and its parameters are enqueued for the
# next worker.

killed = study.ask()
killed.suggest_float("lr", 1e-4, 0.1, log=True)
killed.suggest_float("module__dropout", 0, 0.5)

for trial in study.get_trials(states=(TrialState.RUNNING,)):
    study.tell(trial.number, state=TrialState.FAIL)
    study.enqueue_trial(trial.params, user_attrs={"retry_of": trial.number})
study.optimize(objective, n_trials=1)

retry = study.trials[-1]
print("trial", retry.number, "repeats trial", retry.user_attrs["retry_of"])

# %%
# The study
# ---------
# Left, the mean score of each trial after each fold: pruned trials end early. Right,
# the parameters: later trials concentrate on good learning rates.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
n_trials = len(study.trials)
for state, color, marker in ((finished[0], "C0", "o"), (finished[1], "C1", "X")):
    trials = study.get_trials(states=(state,))
    for trial in trials:
        n_folds = np.add(list(trial.intermediate_values), 1)
        score = 100 * np.array(list(trial.intermediate_values.values()))
        left.plot(n_folds, score, color=color, marker=marker)
    label = f"{state.name.lower()}: {len(trials)} trials"
    left.plot([], [], color=color, marker=marker, label=label)
    rate = [trial.params["lr"] for trial in trials]
    score = [100 * trial.value for trial in trials]
    number = [trial.number for trial in trials]
    style = {"marker": marker, "edgecolor": "black", "vmin": 0, "vmax": n_trials - 1}
    points = right.scatter(rate, score, 70, number, **style)
score_label = "Mean accuracy so far (%)"
left.set(xlabel="Folds", ylabel=score_label, xticks=range(1, 4))
right.set(xscale="log", xlabel="Peak of the learning rate", ylabel=score_label)
legend = figure.legend(loc="outside upper center", ncols=2)
bar = figure.colorbar(points, label="Trial")

# %%
# Final evaluation
# ----------------
# The best parameters, trained on all training digits.

print("best:", {name: round(value, 4) for name, value in study.best_params.items()})
clf.set_params(**study.best_params, max_epochs=3).fit(X_train, y_train)
print(f"accuracy {clf.score(X_test, y_test):.4f} on {len(y_test):,} test digits")

folder.cleanup()

plt.show()
