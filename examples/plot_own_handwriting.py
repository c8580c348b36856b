"""
Reading your own handwriting
============================

A network trained on MNIST fails on photos of digits unless they are preprocessed. This
example draws pictures with the typical faults of photos: shadows, ruled lines, thin
strokes and off-center digits.
"""

# %%
# Pictures like photos
# --------------------
# Each digit consists of a few strokes. Paper, light and pen vary.

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from skmnist import MnistCNNClassifier
from skmnist.datasets import load_mnist_sample
from skmnist.displays import PreprocessingDisplay
from skmnist.preprocessing import DigitPreprocessor

ANGLES = np.linspace(0, 2 * np.pi, 40)
RING = [(50 + 22 * np.sin(a), 50 - 38 * np.cos(a)) for a in ANGLES]
STROKES = {
    0: [RING],
    1: [[(50, 12), (50, 88)]],
    2: [[(28, 28), (38, 14), (60, 14), (70, 30), (28, 86), (74, 86)]],
    3: [[(30, 14), (70, 14), (46, 44), (70, 58), (66, 82), (30, 86)]],
    4: [[(42, 10), (26, 58), (76, 58)], [(60, 32), (60, 90)]],
    7: [[(26, 14), (74, 14), (46, 88)]],
}


def photograph(digit, width, paper=235, ink=60, place=(0.5, 0.5), lines=0, shadow=0.0):
    """Draw a digit that looks like a photo."""
    image = Image.new("L", (300, 360), paper)
    canvas = ImageDraw.Draw(image)
    for y in range(20, 360, 40):
        canvas.line([(0, y), (300, y + 6)], fill=paper - lines, width=2)
    left, top = 300 * place[0] - 100, 360 * place[1] - 100
    for stroke in STROKES[digit]:
        points = [(left + 2 * x, top + 2 * y) for x, y in stroke]
        canvas.line(points, fill=ink, width=width, joint="curve")
    picture = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), dtype=float)
    y, x = np.mgrid[-1:1:360j, -1:1:300j]
    picture *= 1 - shadow / (1 + np.exp(8 * (x + y)))
    noise = np.random.default_rng(digit).normal(0, 3, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


digits = list(STROKES)
pictures = [
    photograph(0, width=9, paper=200),
    photograph(1, width=6, lines=130),
    photograph(2, width=5, place=(0.4, 0.6), shadow=0.5),
    photograph(3, width=16, shadow=0.3),
    photograph(4, width=7, ink=120, place=(0.6, 0.4), lines=30),
    255 - photograph(7, width=10),
]

# %%
# Plain resizing and DigitPreprocessor
# ------------------------------------
# Tutorials resize to 28x28 pixels and invert, since MNIST is light on dark.
# ``DigitPreprocessor`` segments the strokes and normalizes width, size and position.

resized = np.array(
    [
        255 - np.asarray(Image.fromarray(picture).resize((28, 28))).ravel()
        for picture in pictures
    ]
)
preprocessed = DigitPreprocessor().transform(pictures)

X, y = load_mnist_sample(subset="train", return_X_y=True)
clf = MnistCNNClassifier.with_digits_recipe(max_epochs=8, random_state=0).fit(X, y)
predictions = {
    "resized": (resized, clf.predict(resized)),
    "preprocessed": (preprocessed, clf.predict(preprocessed)),
}
for name, (_, labels) in predictions.items():
    print(f"{name:12} predicted {labels}, {np.mean(labels == digits):.0%} correct")

# %%
# The pictures, and below them the input of the network with its prediction.

figure, axes = plt.subplots(3, len(digits), figsize=(8, 4.8), layout="constrained")
for ax, picture in zip(axes[0], pictures, strict=True):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
for row, (name, (images, labels)) in zip(axes[1:], predictions.items(), strict=True):
    row[0].set_ylabel(name)
    for ax, image, label in zip(row, images, labels, strict=True):
        ax.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"predicted {label}")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])

# %%
# Step by step
# ------------
# The shadow is part of the background, not of the contrast, and the thin strokes are
# dilated to the width of MNIST's.

display = PreprocessingDisplay.from_estimator(DigitPreprocessor(), pictures[2])

# %%
# The ruled lines are segmented as ``ink`` at first, and removed from ``digit``.

display = PreprocessingDisplay.from_estimator(DigitPreprocessor(), pictures[1])

plt.show()
