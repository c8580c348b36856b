"""
The article, figure by figure
=============================

The article "MNIST with PyTorch and scikit-learn" trains a small convolutional network
on MNIST and evaluates it with the metrics of scikit-learn. This example reproduces its
figures one by one and compares its results with ours.
"""

# %%
# Digits
# ------
# Each digit is a row of 784 pixels, from 0 (background) to 255 (ink). The sample of
# 5,000 digits needs no download; with ``SKMNIST_FULL=1`` the example uses the full
# MNIST, as the article does.

import os

import matplotlib.pyplot as plt
from sklearn import metrics

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample
from skmnist.displays import AccuracyCurveDisplay, DigitsDisplay, LossCurveDisplay

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)
images, labels = X_train[:18].reshape(-1, 28, 28), y_train[:18].astype(str)
digits = DigitsDisplay(images, labels, "Training digits and their labels")
digits = digits.plot(n_columns=6)

# %%
# Training
# --------
# The recipe of the article is stochastic gradient descent with momentum: ten epochs in
# batches of 64 at a constant learning rate. The input is raw pixels, without any
# preprocessing.

clf = MnistCNNClassifier.with_article_recipe(random_state=0)
clf.fit(X_train, y_train)

# %%
# Normalisation
# -------------
# The article scales the pixels to [0, 1], subtracts their mean and divides by their
# standard deviation. ``fit`` computes both from the training digits, and the network
# applies them to every input, so predictions need no preprocessing either.

mean, std = clf.pixel_mean_.item() / 255, clf.pixel_std_.item() / 255
print(f"mean {mean:.4f}, standard deviation {std:.4f}")

# %%
# The network
# -----------
# The network has two convolutions, each followed by a ReLU and max-pooling, and two
# fully connected layers. The article counts 50 biases in the last layer instead of 10,
# so its sum is larger by 40.

layers = dict(clf.module_.named_children())
counts = {name: sum(p.numel() for p in layers[name].parameters()) for name in layers}
for name in ("conv1", "conv2", "fc1", "fc2"):
    print(f"{name:<6}{counts[name]:>8,}  {layers[name]}")
print(f"{'sum':<6}{sum(counts.values()):>8,}")

# %%
# Training loss
# -------------
# The loss of a batch depends on the digits in it, so it varies from batch to batch. The
# mean of ten batches shows the trend.

loss_curve = LossCurveDisplay.from_estimator(clf, window=10)

# %%
# Accuracy of each epoch
# ----------------------
# As in the article, the whole training set is predicted after each epoch. The other
# curve costs no extra time: it is the accuracy on the training batches during the
# epoch, and starts lower because the network is still learning.

accuracy_curve = AccuracyCurveDisplay.from_estimator(clf)

# %%
# Confusion matrix
# ----------------
# From here on, the network is evaluated on the test digits, which it has not seen. If
# each image has exactly one label, the micro-averaged F1 score equals the accuracy.

probabilities = clf.predict_proba(X_test)
predicted = clf.classes_[probabilities.argmax(axis=1)]
accuracy = metrics.accuracy_score(y_test, predicted)
print(f"micro F1 {metrics.f1_score(y_test, predicted, average='micro'):.4f}")
print(f"accuracy {accuracy:.4f}")

figure, ax = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
metrics.ConfusionMatrixDisplay.from_predictions(y_test, predicted, cmap="Blues", ax=ax)
title = ax.set_title(f"{len(y_test):,} test digits")

# %%
# ROC curve of digit 9
# --------------------
# The probability of digit 9 alone is a binary classifier: 9 or not. Its ROC curve
# passes so close to the corner that an inset enlarges it.

is_nine, probability = y_test == 9, probabilities[:, 9]
area = metrics.roc_auc_score(is_nine, probability)
print(f"area under the curve {area:.5f}")

figure, ax = plt.subplots(figsize=(5.6, 5.4), layout="constrained")
curve = metrics.RocCurveDisplay.from_predictions(is_nine, probability, ax=ax)
ax.legend([f"digit 9: AUC {area:.5f}"], loc="lower right")
ax.set(xlabel="False positive rate", ylabel="True positive rate")
corner = ax.inset_axes((0.26, 0.25, 0.6, 0.5), xlim=(-0.002, 0.05), ylim=(0.9, 1.005))
corner.plot(curve.fpr, curve.tpr)
corner.tick_params(labelleft=False, labelright=True)
box = ax.indicate_inset_zoom(corner, edgecolor="black")

# %%
# Comparison with the article
# ---------------------------
# Training on fewer digits takes less time and gives a lower accuracy; compare the two
# columns on the full MNIST. The article measured its time on the CPU of a laptop.

rows = [
    ("training digits", "60,000", f"{len(y_train):,}"),
    ("test digits", "10,000", f"{len(y_test):,}"),
    ("mean of the pixels", "0.1307", f"{mean:.4f}"),
    ("standard deviation", "0.3081", f"{std:.4f}"),
    ("parameters", "431,120", f"{sum(counts.values()):,}"),
    ("epochs", "10", f"{clf.n_iter_}"),
    ("training, minutes", "about 4", f"{sum(clf.history[:, 'dur']) / 60:.1f}"),
    ("test accuracy, %", "99.12", f"{100 * accuracy:.2f}"),
]
print(f"{'':<20}{'article':>10}{'here':>10}")
for what, article, here in rows:
    print(f"{what:<20}{article:>10}{here:>10}")

plt.show()
