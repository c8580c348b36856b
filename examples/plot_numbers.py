"""
Reading numbers, and doubting what is no digit
==============================================

``skmnist.read`` finds all digits in a picture and reads them row by row. A classifier
reads a digit in everything, in letters and scribbles too; ``NonDigitDetector`` tells
what to doubt.
"""

# %%
# A picture of several numbers
# ----------------------------
# ``make_digit_strings`` sets digits in rows and makes a picture of them, here on
# squared paper. The classifier is trained on other digits.

import matplotlib.pyplot as plt
import numpy as np

import skmnist
from skmnist import MnistCNNClassifier, NonDigitDetector
from skmnist.datasets import (
    load_mnist_sample,
    make_digit_strings,
    make_non_digits,
    make_touching_digits,
)
from skmnist.displays import DigitsDisplay, ReadingDisplay

X, y = load_mnist_sample(subset="train", return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
clf = MnistCNNClassifier.with_digits_recipe(max_epochs=8, random_state=0).fit(X, y)

numbers = make_digit_strings(
    X_test,
    y_test,
    n_samples=1,
    length=(4, 6),
    n_rows=3,
    paper="squared",
    random_state=4,
)
picture = numbers.images[0]
reading = skmnist.read(picture, clf)
print("written:", numbers.target[0].replace("\n", " "))
print("read:   ", reading.text.replace("\n", " "))

# %%
# A box marks each digit. The box of the least certain digit has another colour: check
# that one first.

display = ReadingDisplay.from_reading(reading, picture)
least = reading.least_certain
certainty = reading.probabilities[least].max()
print(f"least certain: {reading.labels[least]} with {certainty:.1%}")

# %%
# The classifier received these images, which are like MNIST's.

titles = [
    f"{label} {row.max():.0%}"
    for label, row in zip(reading.labels, reading.probabilities, strict=True)
]
display = DigitsDisplay(reading.images, titles).plot()

# %%
# Digits that touch
# -----------------
# Digits that touch are one shape. The classifier knows single digits only, so that it
# is a poor judge of where to cut them. A second classifier, trained on images of two
# digits that touch and of single digits, reads both at once. It misses fewer pairs; one
# that is trained on all digits of MNIST misses few.

pairs = make_touching_digits(X, y, n_samples=15_000, random_state=0)
pair_classifier = MnistCNNClassifier.with_pairs_recipe(random_state=0)
pair_classifier.fit(pairs.images, pairs.target)

numbers = make_digit_strings(
    X_test,
    y_test,
    n_samples=1,
    length=(4, 6),
    n_rows=3,
    touching=0.4,
    paper="blank",
    random_state=6,
)
picture = numbers.images[0]
reading = skmnist.read(picture, clf, pair_classifier=pair_classifier)
print("written:            ", numbers.target[0].replace("\n", " "))
print("read as single:     ", skmnist.read(picture, clf).text.replace("\n", " "))
print("read with the pairs:", reading.text.replace("\n", " "))
display = ReadingDisplay.from_reading(reading, picture)

# %%
# What is no digit
# ----------------
# The detector learns from digits and from generated images of other things. Its
# threshold is that below which one digit in a hundred lies. The images to judge it with
# are generated from the test digits; for a fair measure, take others than those of
# ``make_non_digits``, which it knows.

detector = NonDigitDetector(random_state=0).fit(X, y)
others = make_non_digits(X_test, n_samples=1000, random_state=1)
doubted = detector.predict(others.data) == -1
sure = clf.predict_proba(others.data).max(axis=1) > 0.9

print(f"digits: {np.mean(detector.predict(X_test) == -1):.1%} doubted")
for number, kind in enumerate(others.target_names):
    of_kind = others.target == number
    print(
        f"{kind}: {np.mean(doubted[of_kind]):.1%} doubted; the classifier is sure of a "
        f"digit in {np.mean(sure[of_kind]):.1%}"
    )

# %%
# Letters, for which the classifier has no class, are mostly below the threshold.

figure, ax = plt.subplots(layout="constrained")
letters = others.data[others.target == list(others.target_names).index("letters")]
for name, images in {"digits": X_test, "letters": letters}.items():
    scores = detector.decision_function(images)
    ax.hist(scores, bins=np.linspace(-20, 20, 60), alpha=0.6, label=name)
ax.axvline(0, color="black", linestyle="--", label="threshold")
ax.set(xlabel="decision function of the detector", ylabel="number of images")
ax.legend()

plt.show()
