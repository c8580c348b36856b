"""
Pipelines and cross-validation
==============================

How much of an image does the network need? Three pipelines use the whole image, the
image without its margin, and the image in pure black and white. Cross-validation on the
training digits compares their scores and training times.
"""

# %%
# Three pipelines
# ---------------
# The steps before the classifier are transformers of scikit-learn. The network accepts
# square images of any size and scale, which it learns in ``fit``. To save time, it has
# fewer channels than the network of the article.

import os

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample

load = fetch_mnist if os.environ.get("SKMNIST_FULL") == "1" else load_mnist_sample
X_train, y_train = load(subset="train", return_X_y=True)
X_test, y_test = load(subset="test", return_X_y=True)


def crop(X, margin=2):
    squares = X.reshape(-1, 28, 28)[:, margin:-margin, margin:-margin]
    return squares.reshape(len(X), -1)


small = {"module__channels": (10, 20), "max_epochs": 2}
clf = MnistCNNClassifier(**small, random_state=0)
pipelines = {
    "as it is": make_pipeline(clf),
    "cropped": make_pipeline(FunctionTransformer(crop), clf),
    "black and white": make_pipeline(Binarizer(threshold=127), clf),
}

# %%
# This is the input of the three networks for the same digit.

digit = X_train[:1]
seen = [digit, crop(digit), Binarizer(threshold=127).transform(digit)]
figure, axes = plt.subplots(1, 3, figsize=(6.4, 2.8), layout="constrained")
for ax, name, row in zip(axes, pipelines, seen, strict=True):
    side = int(row.size**0.5)
    ax.imshow(row.reshape(side, side), cmap="gray_r")
    ax.set(title=f"{name}\n{side} x {side} pixels", xticks=[], yticks=[])

# %%
# Several scores at once
# ----------------------
# All pipelines are trained and evaluated on the same folds of the training digits. The
# first training in a process loads parts of torch, so one training runs before the
# measurement.

clf.fit(X_train[:100], y_train[:100])
folds = StratifiedKFold(3, shuffle=True, random_state=0)
scoring = ["accuracy", "f1_macro", "neg_log_loss"]
results = {
    name: cross_validate(pipeline, X_train, y_train, cv=folds, scoring=scoring)
    for name, pipeline in pipelines.items()
}
for name, result in results.items():
    print(name)
    for key in ("test_accuracy", "test_f1_macro", "test_neg_log_loss", "fit_time"):
        print(f"    {key:<18}{result[key].mean():8.4f} ± {result[key].std():.4f}")

# %%
# Each marker is a fold. Compare pipelines within a fold: some folds are harder than
# others for all of them.

figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", sharey=True)
for fold, marker in enumerate("os^"):
    for ax, key, factor in zip(
        axes, ("test_accuracy", "fit_time"), (100, 1), strict=True
    ):
        values = [factor * result[key][fold] for result in results.values()]
        ax.plot(values, list(results), marker, color="0.2", label=f"fold {fold + 1}")
axes[0].set(xlabel="Accuracy (%)", ylim=(2.5, -0.5))
axes[1].set(xlabel="Time to fit (s)", xlim=(0, 1.2 * max(values)))
legend = figure.legend(
    *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3
)

# %%
# Predictions for all training digits
# -----------------------------------
# ``cross_val_predict`` predicts each digit with a network that was trained without it.

predicted = cross_val_predict(pipelines["cropped"], X_train, y_train, cv=folds)
figure, ax = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
ConfusionMatrixDisplay.from_predictions(y_train, predicted, cmap="Blues", ax=ax)
title = ax.set_title("Cropped training digits, cross-validated")

# %%
# Final evaluation
# ----------------
# The pipeline with the best cross-validated accuracy is trained on all training digits
# and evaluated on the test digits.

best = max(results, key=lambda name: results[name]["test_accuracy"].mean())
accuracy = pipelines[best].fit(X_train, y_train).score(X_test, y_test)
print(f"{best}: accuracy {accuracy:.4f} on {len(y_test):,} test digits")

plt.show()
