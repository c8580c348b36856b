"""
Learning curve and ensemble
===========================

Two ways to a higher accuracy: more training digits, whose effect a learning curve
shows, and a vote of networks that differ only in their seed.
"""

# %%
# Digits
# ------

import os

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import LearningCurveDisplay, StratifiedKFold

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)

# %%
# More digits
# -----------
# ``LearningCurveDisplay`` trains on subsets of increasing size and evaluates on the
# held-out digits. To save time, the network is small. The number of epochs is the same
# for all subsets. Smaller subsets are trained in smaller batches, but mostly still in
# fewer optimizer steps.

small = {"module__channels": (10, 20)}
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
curve = LearningCurveDisplay.from_estimator(
    MnistCNNClassifier(**small, max_epochs=3, random_state=0),
    X_train,
    y_train,
    train_sizes=(0.1, 0.25, 0.5, 1.0),
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
    score_type="test",
    score_name="Accuracy on held-out digits",
    std_display_style="errorbar",
    errorbar_kw={"fmt": "o-", "capsize": 4},
    ax=ax,
)
ax.get_legend().remove()
ax.set_xticks(curve.train_sizes, [f"{n:,}" for n in curve.train_sizes])
ax.minorticks_off()
ax.set_xlabel("Training digits")
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
for n, scores in zip(curve.train_sizes, curve.test_scores, strict=True):
    print(f"{n:>6,} digits: {scores.mean():.4f} ± {scores.std():.4f}")

# %%
# More networks
# -------------
# ``VotingClassifier`` trains five networks with different seeds and averages their
# probabilities.

networks = [
    (f"seed {seed}", MnistCNNClassifier(**small, max_epochs=2, random_state=seed))
    for seed in range(5)
]
vote = VotingClassifier(networks, voting="soft").fit(X_train, y_train)
accuracies = {
    name: network.score(X_test, y_test)
    for name, network in vote.named_estimators_.items()
}
accuracies["vote"] = vote.score(X_test, y_test)
for name, accuracy in accuracies.items():
    print(f"{name:<8}{accuracy:.4f}")

# %%
# All networks are trained on the same digits. They differ in their initial weights and
# in the order of the digits. If they disagree, the most confident ones decide.

figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
*singles, voted = accuracies.values()
ax.plot(singles, list(accuracies)[:-1], "o")
ax.plot(voted, "vote", "D", markersize=9)
ax.axvline(voted, color="0.6", linestyle=":", zorder=0)
ax.set(xlabel="Accuracy on the test digits")
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
ax.invert_yaxis()

plt.show()
