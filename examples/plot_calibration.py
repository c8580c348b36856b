"""
Calibrated probabilities
========================

A network that is trained for a long time on few digits without label smoothing is
overconfident. This example plots its calibration, corrects it with scikit-learn, tunes
the threshold of a decision whose two kinds of error differ in cost, and lets the
network abstain from uncertain predictions.
"""

# %%
# Training, calibration and test digits
# -------------------------------------
# The network is trained on a fifth of the training digits and calibrated on the others,
# which must be digits that it has not seen. The test digits are used for evaluation
# only. In practice you would train on more digits and with the default
# ``label_smoothing``; here the network has to be overconfident, and make enough
# mistakes, to show the effect.

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
# ``FrozenEstimator`` prevents the network from being trained again;
# ``CalibratedClassifierCV`` only learns how to correct its probabilities. Temperature
# scaling has a single parameter and does not change the predicted digit. The last line
# shows the default recipe: label smoothing that falls to 0 with the learning rate
# prevents most of the overconfidence.

clf = MnistCNNClassifier(label_smoothing=0, random_state=0).fit(X_fit, y_fit)
calibrated = CalibratedClassifierCV(FrozenEstimator(clf), method="temperature")
calibrated.fit(X_held_out, y_held_out)

judged = {}
for name, model in (("before", clf), ("after", calibrated)):
    p = model.predict_proba(X_test)
    p = p / p.sum(axis=1, keepdims=True)  # float32 leaves 1 + 1e-7
    judged[name] = p.max(axis=1), model.predict(X_test) == y_test
    print(f"{name}: log loss {log_loss(y_test, p):.4f}", end=", ")
    print(f"accuracy {judged[name][1].mean():.4f}")

p = MnistCNNClassifier(random_state=0).fit(X_fit, y_fit).predict_proba(X_test)
p = p / p.sum(axis=1, keepdims=True)
print(f"default recipe: log loss {log_loss(y_test, p):.4f}")

# %%
# Reliability
# -----------
# Of all predictions with a probability of 80 %, 80 % should be correct. Below the
# diagonal, the network is overconfident. Each marker is a tenth of the test digits.

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
# Is it a 9? Assume that missing a 9 costs ten times as much as a false alarm.
# ``TunedThresholdClassifierCV`` finds the threshold with the lowest cost on the
# held-out digits.


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
# The network answers the digits with the most probable predictions and leaves the rest
# to a human. The accuracy that the probabilities promise is their mean. Before
# calibration, it is higher than the actual accuracy (kept).

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
