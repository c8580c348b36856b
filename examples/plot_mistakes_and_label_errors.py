"""
Mistakes and wrong labels
=========================

Where a network is sure of another label than the one that is given, one of the two is
wrong. This example plants wrong labels among the training digits and finds them again.
Then it looks at the test digits that the network gets wrong.
"""

# %%
# Planting errors
# ---------------
# One in a hundred training digits gets another label, drawn at random.

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
# Finding them
# ------------
# Each digit is judged by a network that was trained without it; a network that has
# learned a wrong label would repeat it. Suspicious is a digit with another prediction
# than its label, the more so the surer the network is.

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
# How far must one look? The dotted line is a perfect list, with nothing but planted
# errors at its top. Without a list, one would have to look at all digits.

n = 4 * len(planted)
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(np.arange(1, n + 1), found[:n], label="most suspicious first")
ax.plot(
    [0, len(planted), n], [0, len(planted), len(planted)], "k:", label="perfect list"
)
ax.set(xlabel="Digits looked at", ylabel="Planted errors found")
legend = ax.legend(loc="lower right")

# %%
# The top of the list
# -------------------
# Above each digit stand the given label, the predicted label and its probability.

suspects = DigitsDisplay.from_predictions(
    X_train, y_given, probabilities, n_images=18, n_columns=6
)

# %%
# Mistakes on the test digits
# ---------------------------
# Without the most suspicious digits the network is trained once more. These are test
# digits that it gets wrong, the most confident first.

kept = np.sort(order[len(planted) :])
clf.fit(X_train[kept], y_given[kept])
print(f"accuracy {clf.score(X_test, y_test):.4f} on {len(y_test):,} test digits")
mistakes = DigitsDisplay.from_estimator(
    clf, X_test, y_test, kind="mistakes", n_images=18, n_columns=6
)

# %%
# What to check next
# ------------------
# Without labels one can still ask where the network is least sure.

unsure = DigitsDisplay.from_estimator(
    clf, X_test, kind="least_confident", n_images=12, n_columns=6
)

plt.show()
