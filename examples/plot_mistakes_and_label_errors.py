"""
Mistakes and wrong labels
=========================

If a network confidently predicts another label than the given one, one of the two is
wrong. This example plants wrong labels in the training set and finds them again. Then
it plots the test digits that the network misclassifies.
"""

# %%
# Planting errors
# ---------------
# One in a hundred training digits gets a random wrong label.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample
from skmnist.displays import DigitsDisplay

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)

rng = np.random.default_rng(0)
planted = rng.choice(len(y_train), size=len(y_train) // 100, replace=False)
y_given = y_train.copy()
y_given[planted] = (y_given[planted] + rng.integers(1, 10, len(planted))) % 10
print(f"{len(planted)} wrong labels among {len(y_given):,}")

# %%
# Finding the errors
# ------------------
# Each digit is predicted by a network that was trained without it, because a network
# that has learned a wrong label would repeat it. A digit is suspicious if the predicted
# label differs from the given one; the higher the probability, the more suspicious.

clf = MnistCNNClassifier(module__channels=(10, 20), max_epochs=4, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
probabilities = cross_val_predict(
    clf, X_train, y_given, cv=folds, method="predict_proba"
)
disagrees = probabilities.argmax(axis=1) != y_given
suspicion = np.where(disagrees, probabilities.max(axis=1), 0)
order = np.argsort(-suspicion, kind="stable")
found = np.cumsum(np.isin(order, planted))
for n in (len(planted), 2 * len(planted)):
    print(f"{found[n - 1]} planted errors among the {n} most suspicious digits")

# %%
# How many digits do you have to check? The dotted line is a perfect ranking, with all
# planted errors at the top. Without a ranking, you would have to check all digits.

n = 4 * len(planted)
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(np.arange(1, n + 1), found[:n], label="most suspicious first")
ax.plot(
    [0, len(planted), n], [0, len(planted), len(planted)], "k:", label="perfect list"
)
ax.set(xlabel="Digits looked at", ylabel="Planted errors found")
legend = ax.legend(loc="lower right")

# %%
# The most suspicious digits
# --------------------------
# The title of each digit shows the given label, the predicted label and its
# probability.

suspects = DigitsDisplay.from_predictions(
    X_train, y_given, probabilities, n_images=18, n_columns=6
)

# %%
# Mistakes on the test digits
# ---------------------------
# The network is trained again without the most suspicious digits. These are the test
# digits that it misclassifies, the most confident mistakes first.

kept = np.sort(order[len(planted) :])
clf.fit(X_train[kept], y_given[kept])
print(f"accuracy {clf.score(X_test, y_test):.4f} on {len(y_test):,} test digits")
mistakes = DigitsDisplay.from_estimator(
    clf, X_test, y_test, kind="mistakes", n_images=18, n_columns=6
)

# %%
# Least confident predictions
# ---------------------------
# Without labels, you can still find the digits that the network is least confident of.

unsure = DigitsDisplay.from_estimator(
    clf, X_test, kind="least_confident", n_images=12, n_columns=6
)

plt.show()
