"""
Probabilities to rely on
========================

A network that is trained for long on few digits is surer than it should be. This
example draws that, corrects it with scikit-learn, moves the threshold of a decision
whose two errors differ in cost, and lets the network abstain where it is unsure.
"""

# %%
# Three parts
# -----------
# A fifth of the training digits trains the network. The others calibrate it: they must
# be digits that it has not learned by heart. The test digits only judge. In earnest
# one would train on more; here the network shall have something to be wrong about.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import confusion_matrix, log_loss, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)
X_fit, X_held_out, y_fit, y_held_out = train_test_split(
    X_train, y_train, train_size=0.2, stratify=y_train, random_state=0
)

# %%
# Calibration
# -----------
# ``FrozenEstimator`` keeps the network as it is; ``CalibratedClassifierCV`` only learns
# how to correct its probabilities. Temperature scaling has a single parameter, and does
# not change which digit is the most probable.

clf = MnistCNNClassifier(random_state=0).fit(X_fit, y_fit)
calibrated = CalibratedClassifierCV(FrozenEstimator(clf), method="temperature")
calibrated.fit(X_held_out, y_held_out)

judged = {}
for name, model in (("before", clf), ("after", calibrated)):
    p = model.predict_proba(X_test)
    p = p / p.sum(axis=1, keepdims=True)  # float32 leaves 1 + 1e-7
    judged[name] = p.max(axis=1), model.predict(X_test) == y_test
    print(f"{name}: log loss {log_loss(y_test, p):.4f}", end=", ")
    print(f"accuracy {judged[name][1].mean():.4f}")

# %%
# Reliability
# -----------
# Of the digits that are predicted with a probability of 80 %, 80 % should be right.
# Below the diagonal the network is too sure. Each marker is a tenth of the test digits.

figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
bins = {"n_bins": 10, "strategy": "quantile", "ax": ax}
for (name, (confidence, hit)), marker in zip(judged.items(), "os", strict=True):
    CalibrationDisplay.from_predictions(
        hit, confidence, name=name, marker=marker, **bins
    )
ax.set(xlabel="Probability of the predicted digit", ylabel="Fraction that is right")
limits = ax.axis((0.4, 1.01, 0.4, 1.01))

# %%
# A decision threshold
# --------------------
# Is it a 9? Say that overlooking a 9 costs ten times as much as a false alarm. The
# threshold is the one with the lowest cost on the held-out digits.


def cost(is_nine, says_nine):
    _, false_alarms, overlooked, _ = confusion_matrix(is_nine, says_nine).ravel()
    return false_alarms + 10 * overlooked


detector = MnistCNNClassifier(random_state=0).fit(X_fit, 1 * (y_fit == 9))
scorer = make_scorer(cost, greater_is_better=False)
tuned = TunedThresholdClassifierCV(detector, scoring=scorer, cv="prefit", refit=False)
tuned.fit(X_held_out, 1 * (y_held_out == 9))
for threshold, model in ((0.5, detector), (tuned.best_threshold_, tuned)):
    total = cost(y_test == 9, model.predict(X_test) == 1)
    print(f"threshold {threshold:.3f}: cost {total} on {len(y_test):,} test digits")

# %%
# Abstaining
# ----------
# The most probable answers come first; the rest is left to somebody else. The accuracy
# that the probabilities promise is their mean. Before calibration they promise more
# than the network keeps.

answered = np.arange(1, len(y_test) + 1)
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for (name, (confidence, hit)), style in zip(judged.items(), ("--", ":"), strict=True):
    order = np.argsort(-confidence)
    promised, kept = (100 * np.cumsum(v[order]) / answered for v in (confidence, hit))
    ax.plot(100 * answered / len(y_test), promised, style, label=f"promised {name}")
ax.plot(100 * answered / len(y_test), kept, "k", label="kept")
ax.set(xlabel="Digits answered, most probable first (%)", ylabel="Accuracy (%)")
legend = ax.legend()

plt.show()
