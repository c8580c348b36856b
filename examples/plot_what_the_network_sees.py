"""
What the network sees
=====================

A convolutional network computes smaller and smaller images. This example plots the
kernels that it has learned, the outputs of its layers for one digit, and the parts of
the digit that the prediction depends on.
"""

# %%
# Training
# --------

import os

import matplotlib.pyplot as plt
import numpy as np

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample
from skmnist.displays import FiltersDisplay

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)

clf = MnistCNNClassifier(max_epochs=3, random_state=0).fit(X_train, y_train)
print(f"accuracy {clf.score(X_test, y_test):.4f} on {len(y_test):,} test digits")

# %%
# Kernels
# -------
# The first layer has twenty kernels of 5x5 weights. A kernel slides over the image, and
# its output is high where the image resembles the kernel. Many kernels detect edges of
# one direction.

kernels = FiltersDisplay.from_estimator(clf)

# %%
# Feature maps of one digit
# -------------------------
# Each map is the output of one kernel for the digit. The second layer combines the maps
# of the first; its maps show the positions of strokes only roughly. The hidden units
# have no position in the image, and the last layer turns them into probabilities.

digit = X_test[np.flatnonzero(y_test == 4)[0]]
way = FiltersDisplay.from_estimator(clf, digit)

# %%
# Occlusion
# ---------
# A patch of 7x7 background pixels covers a part of the digit, and the network predicts
# the rest. Where the probability of the true label drops, the covered part matters for
# the prediction.

square, size, places = digit.reshape(28, 28), 7, range(22)
covered = np.repeat(square[np.newaxis], len(places) ** 2, axis=0)
for image, (top, left) in zip(covered, np.ndindex(22, 22), strict=True):
    image[top : top + size, left : left + size] = 0
needed = clf.predict_proba(covered)[:, 4].reshape(22, 22)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
axes[0].imshow(square, cmap="gray_r")
axes[0].set(title="The digit", xticks=[], yticks=[])
middles = (2.5, 24.5, 24.5, 2.5)
drawn = axes[1].imshow(needed, cmap="cividis", vmin=0, vmax=1, extent=middles)
axes[1].contour(square, levels=[127], colors="tab:red", linewidths=1)
axes[1].set(
    title="with a patch at this place",
    xlim=(-0.5, 27.5),
    ylim=(27.5, -0.5),
    xticks=[],
    yticks=[],
)
bar = figure.colorbar(drawn, label="Probability of digit 4")

plt.show()
