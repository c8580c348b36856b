"""
The digits of scikit-learn
==========================

The digits of scikit-learn have 8x8 pixels, which the network enlarges. This example
cross-validates it and two classifiers of scikit-learn on the same folds.
"""

# %%
# Three classifiers
# -----------------
# ``MnistCNNClassifier`` needs no preprocessing, although these pixels range from 0 to
# 16 instead of 255. To save time, its network has half the default number of channels;
# otherwise all three classifiers have their default parameters.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from skmnist import MnistCNNClassifier
from skmnist.displays import DigitsDisplay

digits = load_digits()
X, y = digits.data, digits.target
titles = [str(label) for label in y[:12]]
display = DigitsDisplay(digits.images[:12], titles, "Digits of 8x8 pixels")
display = display.plot(n_columns=6)

# %%
# Cross-validation on the same folds
# ----------------------------------
# Each classifier is trained three times on two thirds of the digits and evaluated on
# the remaining third.

small = MnistCNNClassifier(module__channels=(10, 20), random_state=0)
classifiers = [small, SVC(), MLPClassifier(random_state=0)]
folds = StratifiedKFold(3, shuffle=True, random_state=0)
results = {
    type(clf).__name__: cross_validate(clf, X, y, cv=folds) for clf in classifiers
}
for name, result in results.items():
    accuracy, seconds = result["test_score"], result["fit_time"]
    print(f"{name:<19} accuracy {accuracy.mean():.4f} ± {accuracy.std():.4f}", end=", ")
    print(f"{seconds.mean():.2f} s to fit")

# %%
# Each marker is a fold, and each vertical line is the mean of a classifier. Compare
# classifiers within a fold: some folds are harder than others for all of them.

figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
names = list(results)
for fold, marker in enumerate("os^"):
    accuracies = [100 * result["test_score"][fold] for result in results.values()]
    ax.plot(accuracies, names, marker, fillstyle="none", label=f"fold {fold + 1}")
means = [100 * result["test_score"].mean() for result in results.values()]
ax.plot(means, names, "k|", markersize=24)
ax.set(xlabel="Accuracy (%)", ylim=(2.5, -0.5))
legend = figure.legend(loc="outside upper center", ncols=3)

plt.show()
