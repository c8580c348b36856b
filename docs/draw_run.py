"""Draw the figure of a training for README: `python docs/draw_run.py`.

Trains on the sample like `skmnist train`, and arranges its plots in one figure.
"""

from pathlib import Path

from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from skmnist import MnistCNNClassifier
from skmnist.cli._report import draw_roc_curves
from skmnist.datasets import load_mnist_sample
from skmnist.displays import DigitsDisplay, LossCurveDisplay

OUT = Path(__file__).parent / "images" / "run.png"


def main():
    X_train, y_train = load_mnist_sample(subset="train", return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    clf = MnistCNNClassifier(random_state=0).fit(X_train, y_train)
    probabilities = clf.predict_proba(X_test)
    predicted = clf.classes_[probabilities.argmax(axis=1)]

    figure = Figure(figsize=(12, 9.5), layout="constrained")
    (loss, confusion), (curves, mistakes) = figure.subplots(2, 2)
    LossCurveDisplay.from_estimator(clf, ax=loss)
    ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, cmap="Blues", colorbar=False, ax=confusion
    )
    confusion.set_title(f"Confusion matrix of {len(y_test):,} held-out digits")
    draw_roc_curves(clf.classes_, probabilities, y_test, curves)
    curves.legend(loc="lower right", fontsize=7.5)
    DigitsDisplay.from_predictions(
        X_test, y_test, probabilities, n_images=20, n_columns=5, ax=mistakes
    )
    figure.savefig(OUT, dpi=80)
    print(f"{(predicted == y_test).mean():.2%} accuracy on the held-out digits")
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
