"""
The article, figure by figure
=============================

"MNIST with PyTorch and scikit-learn" trains a small convolutional network on MNIST and
judges it with scikit-learn's metrics. This example goes through its figures one after
the other, and ends with its numbers beside ours.
"""

# %%
# Digits
# ------
# The digits are rows of 784 pixels, from 0 (background) to 255 (ink). A sample of 5,000
# digits needs no download; ``SKMNIST_FULL=1`` takes the whole of MNIST, as the article
# does.

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
# The article's recipe is stochastic gradient descent with momentum: ten epochs in
# batches of 64, at a constant learning rate. Raw pixels go in; there is nothing to
# prepare. What follows looks at the classifier that comes out.

clf = MnistCNNClassifier.with_article_recipe(random_state=0)
clf.fit(X_train, y_train)

# %%
# Normalisation
# -------------
# The article brings the pixels to [0, 1], subtracts their mean and divides by their
# standard deviation. ``fit`` finds both in the training digits, and the network applies
# them to whatever it is given, so they cannot be forgotten later.

mean, std = clf.pixel_mean_.item() / 255, clf.pixel_std_.item() / 255
print(f"mean {mean:.4f}, standard deviation {std:.4f}")

# %%
# The network
# -----------
# Two convolutions, each followed by a ReLU and max-pooling, then two fully connected
# layers. The article counts 50 biases in the last layer, where there are 10; this is
# why its sum is larger by 40.

layers = dict(clf.module_.named_children())
counts = {name: sum(p.numel() for p in layers[name].parameters()) for name in layers}
for name in ("conv1", "conv2", "fc1", "fc2"):
    print(f"{name:<6}{counts[name]:>8,}  {layers[name]}")
print(f"{'sum':<6}{sum(counts.values()):>8,}")

# %%
# Training loss
# -------------
# The loss of each batch jumps with the digits that happen to be in it. The mean of ten
# batches shows where it goes.

loss_curve = LossCurveDisplay.from_estimator(clf, window=10)

# %%
# Accuracy of each epoch
# ----------------------
# As in the article, the whole training set is predicted after each epoch. The other
# curve costs nothing: it counts hits in the batches while the network learns from them,
# and so starts lower.

accuracy_curve = AccuracyCurveDisplay.from_estimator(clf)

# %%
# Confusion matrix
# ----------------
# From here on we judge on the test digits, which the network has not seen. Where each
# image has one label, micro F1 is the accuracy under another name.

probabilities = clf.predict_proba(X_test)
predicted = clf.classes_[probabilities.argmax(axis=1)]
accuracy = metrics.accuracy_score(y_test, predicted)
print(f"micro F1 {metrics.f1_score(y_test, predicted, average='micro'):.4f}")
print(f"accuracy {accuracy:.4f}")

figure, ax = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
metrics.ConfusionMatrixDisplay.from_predictions(y_test, predicted, cmap="Blues", ax=ax)
title = ax.set_title(f"{len(y_test):,} test digits")

# %%
# Nine or not
# -----------
# The probability of digit 9 alone answers a question with two answers. Its ROC curve
# runs so close to the corner that the inset enlarges it.

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
# The article's numbers beside ours
# ---------------------------------
# Fewer training digits give a lower accuracy in less time; on the whole of MNIST the
# two columns can be compared. The article's time was measured on a laptop's CPU.

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
