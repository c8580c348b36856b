"""
Colour images
=============

`ResNetClassifier` is for small colour images. This example makes 3,000 images of
coloured shapes before coloured, noisy backgrounds, and compares it with
`MnistCNNClassifier`. The colour says nothing about the class, and the position varies.
"""

# %%
# Images
# ------
# Four shapes of random size, position and colours, in 32x32 pixels. Images have the
# shape (n, channels, height, width).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skmnist import AlternatingFlip, MnistCNNClassifier, RandomShift, ResNetClassifier
from skmnist.displays import DigitsDisplay, FiltersDisplay

rng = np.random.default_rng(0)
SHAPES = np.array(["circle", "cross", "square", "triangle"])


def draw(shape):
    """Return an image of shape (3, 32, 32), uint8."""
    row, column = np.indices((32, 32)) - rng.uniform(11, 21, (2, 1, 1))
    size = rng.uniform(6, 10)
    inside = {
        "circle": np.hypot(row, column) < size,
        "cross": (np.minimum(abs(row), abs(column)) < size / 3)
        & (np.maximum(abs(row), abs(column)) < size),
        "square": np.maximum(abs(row), abs(column)) < 0.9 * size,
        "triangle": (abs(row) < size) & (abs(column) < (row + size) / 2),
    }[shape]
    background, colour = rng.uniform(0, 255, (2, 3, 1, 1))
    image = np.where(inside, colour, background) + rng.normal(0, 40, (3, 32, 32))
    return image.clip(0, 255).astype(np.uint8)


y = rng.choice(SHAPES, 3000)
X = np.array([draw(shape) for shape in y])
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1000, random_state=0
)
DigitsDisplay(np.moveaxis(X_train[:24], 1, -1), titles=y_train[:24]).plot()

# %%
# Training
# --------
# The residual network has 55,000 weights here. By default, it has two million and is
# meant for the 50,000 photographs of CIFAR-10. Shapes stay the same when they are
# mirrored and shifted, which the default augmentation does.

resnet = ResNetClassifier(module__channels=(16, 32, 48), max_epochs=8, random_state=0)
resnet.fit(X_train, y_train)
print(f"ResNetClassifier: accuracy {resnet.score(X_test, y_test):.3f}")

# %%
# The article's network with the same augmentation:

cnn = MnistCNNClassifier(
    augmentation=[AlternatingFlip, RandomShift], max_epochs=8, random_state=0
).fit(X_train, y_train)
print(f"MnistCNNClassifier: accuracy {cnn.score(X_test, y_test):.3f}")

# %%
# Evaluation
# ----------

ConfusionMatrixDisplay.from_estimator(resnet, X_test, y_test, colorbar=False)
plt.show()

# %%
# First layer
# -----------
# The kernels of the first layer are not trained. They are computed from small patches
# of the training images, so that their outputs are uncorrelated: some compute the
# brightness and the colour, the others edges. The groups after it find parts of shapes.

FiltersDisplay.from_estimator(resnet, X_test[0])
plt.show()
