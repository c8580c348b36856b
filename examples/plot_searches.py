"""
Searching for hyperparameters
=============================

The search estimators of scikit-learn can tune every parameter: those of the classifier,
of the network (``module__...``) and of the augmentation (``augmentation__...``). This
example plots the results of a grid search, a random search and a halving search.
"""

# %%
# A small network
# ---------------
# All searches compare candidates on the same folds of the training digits. To save
# time, the network has fewer channels than the one of the article, and the searches use
# only every fourth training digit.

import os

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)

from skmnist import MnistCNNClassifier, RandomAffine
from skmnist.datasets import fetch_mnist, load_mnist_sample

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)
X_part, y_part = X_train[::4], y_train[::4]

clf = MnistCNNClassifier(module__channels=(8, 16), max_epochs=2, random_state=0)

# %%
# Grid search
# -----------
# ``GridSearchCV`` tries every learning rate with every number of hidden units.
# ``cv_results_`` contains the mean score of each pair over the folds and its standard
# deviation, which the error bars show.

candidates = {"lr": [0.002, 0.008, 0.032], "module__hidden_units": [50, 200]}
grid = GridSearchCV(clf, candidates, cv=3, refit=False).fit(X_part, y_part)
print("grid search:", grid.best_params_)

results = grid.cv_results_
mean, std = 100 * results["mean_test_score"], 100 * results["std_test_score"]
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for n, fmt in ((50, "o-"), (200, "s--")):
    of_n, label = results["param_module__hidden_units"] == n, f"{n} hidden units"
    rate = results["param_lr"][of_n].astype(str)
    ax.errorbar(rate, mean[of_n], std[of_n], fmt=fmt, capsize=4, label=label)
rate_label, score_label = "Peak of the learning rate", "Cross-validated accuracy (%)"
ax.set(xlabel=rate_label, ylabel=score_label)
legend = ax.legend()

# %%
# Random search
# -------------
# ``RandomizedSearchCV`` draws each candidate at random, so ten candidates have ten
# different learning rates, whereas a grid of ten would repeat a few. Dropout sets a
# fraction of the hidden units to zero during training.

distributions = {"lr": loguniform(0.002, 0.03), "module__dropout": uniform(0, 0.5)}
random = RandomizedSearchCV(clf, distributions, cv=3, refit=False, random_state=0)
random.fit(X_part, y_part)
print("random search:", {k: round(float(v), 4) for k, v in random.best_params_.items()})

results = random.cv_results_
mean, dropout = 100 * results["mean_test_score"], results["param_module__dropout"]
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
points = ax.scatter(results["param_lr"], mean, 80, dropout, edgecolor="black")
ax.set(xscale="log", xlabel=rate_label, ylabel=score_label)
bar = figure.colorbar(points, label="Dropout")

# %%
# Successive halving
# ------------------
# ``HalvingGridSearchCV`` trains all candidates for one epoch, and the best third for
# three. The one-cycle schedule always spans the whole training, however long it is. The
# rotation is the maximum angle, in degrees, by which training digits are rotated.

clf.set_params(augmentation=RandomAffine)
candidates = {"lr": [0.001, 0.004, 0.016], "augmentation__rotation": [0, 15]}
budget = {"resource": "max_epochs", "max_resources": 3}
halving = HalvingGridSearchCV(clf, candidates, **budget, cv=3, refit=False)
halving.fit(X_part, y_part)
print("halving search:", halving.best_params_)

results = halving.cv_results_
rate, angle = results["param_lr"], results["param_augmentation__rotation"]
names = np.array([f"{r}, {a}°" for r, a in zip(rate, angle, strict=True)])
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for epochs, marker in ((1, "x"), (3, "o")):
    rows, label = results["n_resources"] == epochs, f"epochs: {epochs}"
    ax.plot(100 * results["mean_test_score"][rows], names[rows], marker, label=label)
ax.set(xlabel=score_label, ylabel="Peak of the learning rate, rotation")
ax.invert_yaxis()
legend = figure.legend(loc="outside upper center", ncols=2)

# %%
# Final evaluation
# ----------------
# The best candidate of the halving search is trained for three epochs on all training
# digits and evaluated on the test digits, which no search has used.

clf.set_params(**halving.best_params_).fit(X_train, y_train)
print(f"accuracy {clf.score(X_test, y_test):.4f} on {len(y_test):,} test digits")

plt.show()
