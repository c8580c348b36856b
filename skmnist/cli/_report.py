"""Evaluation of a trained classifier, and the files that `skmnist train` writes."""

import json
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    RocCurveDisplay,
    accuracy_score,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

from skmnist.cli._terminal import MAX_CLASSES
from skmnist.displays import AccuracyCurveDisplay, DigitsDisplay, LossCurveDisplay
from skmnist.model_files import save as save_model
from skmnist.model_files._classifier_state import library_versions

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Styles used in turn, so that lines can be told apart without colors."""

ENLARGED_AREA = 0.98
"""Area under each ROC curve above which the corner of the plot is enlarged."""

MAX_NAME = 16
"""Longest name of a class in plots, in characters."""

N_LABELLED = 10
"""Number of curves that are labelled of more classes, those of the smallest areas."""


def evaluate(clf, probabilities, y):
    """Evaluate predictions on test images.

    Parameters
    ----------
    clf : MnistCNNClassifier or ResNetClassifier
        The fitted classifier.
    probabilities : ndarray of shape (n, n_classes)
        Predicted probabilities.
    y : ndarray of shape (n,)
        True labels.

    Returns
    -------
    dict
        `accuracy`, `f1_micro`, `roc_auc` (one-vs-rest, for each label as a string) and
        `confusion_matrix` (list of rows: true label; columns: predicted label).
    """
    predicted = clf.classes_[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        "f1_micro": float(f1_score(y, predicted, average="micro")),
        "roc_auc": {
            str(label): float(roc_auc_score(y == label, probabilities[:, column]))
            for column, label in enumerate(clf.classes_)
        },
        "confusion_matrix": confusion_matrix(
            y, predicted, labels=clf.classes_
        ).tolist(),
    }


def describe_training(clf):
    """Describe a training so that it can be repeated.

    Parameters
    ----------
    clf : MnistCNNClassifier or ResNetClassifier
        The fitted classifier.

    Returns
    -------
    dict
        Parameters, losses and accuracies of the epochs, device, threads and versions
        of the libraries.
    """
    epochs = [
        {key: value for key, value in epoch.items() if key != "batches"}
        for epoch in clf.history
    ]
    return {
        "parameters": clf.get_params(deep=False),
        "device": str(clf.device_),
        "threads": torch.get_num_threads(),
        "versions": library_versions(),
        "epochs_finished": clf.n_iter_,
        "epochs": epochs,
    }


def save_plots(clf, X, y, probabilities, folder):
    """Draw the training and the evaluation into PNG files.

    Parameters
    ----------
    clf : MnistCNNClassifier or ResNetClassifier
        The fitted classifier.
    X : ndarray of shape (n, height, width) or (n, channels, height, width)
        Test images.
    y : ndarray of shape (n,)
        True labels.
    probabilities : ndarray of shape (n, n_classes)
        Predicted probabilities.
    folder : Path
    """
    figure, ax = _make_figure()
    LossCurveDisplay.from_estimator(clf, ax=ax)
    figure.savefig(folder / "loss_curve.png", dpi=120)

    figure, ax = _make_figure()
    AccuracyCurveDisplay.from_estimator(clf, ax=ax)
    figure.savefig(folder / "accuracy_curve.png", dpi=120)

    # names as the plots write them
    names = _make_plot_names(clf.classes_)
    y = names[np.searchsorted(clf.classes_, y)]
    predicted = names[probabilities.argmax(axis=1)]
    many = len(names) > MAX_CLASSES
    figure, ax = _make_figure(*((14, 12) if many else (7, 6)))
    ConfusionMatrixDisplay.from_predictions(
        y,
        predicted,
        labels=names,
        include_values=not many,
        xticks_rotation="vertical" if _has_long_labels(names) else "horizontal",
        cmap="Blues",
        ax=ax,
    )
    if many:
        ax.tick_params(labelsize=7)
    ax.set_title(f"Confusion matrix of {len(y):,} held-out images")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)

    figure, ax = _make_figure(width=7, height=6)
    draw_roc_curves(names, probabilities, y, ax)
    figure.savefig(folder / "roc_curves.png", dpi=120)

    display = DigitsDisplay.from_predictions(
        X, y, probabilities, classes=names, image_shape=clf.image_shape_
    )
    display.figure_.savefig(folder / "mistakes.png", dpi=120)


def draw_roc_curves(classes, probabilities, y, ax):
    """Draw the ROC curve of each class against the rest.

    Of more than `MAX_CLASSES` classes, only the curves of the smallest areas are
    labelled. The upper left corner is enlarged if all curves lead through it.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    probabilities : ndarray of shape (n, n_classes)
        Predicted probabilities.
    y : ndarray of shape (n,)
        True labels.
    ax : matplotlib Axes
    """
    from matplotlib import colormaps

    colors = colormaps["viridis"].resampled(len(classes)).colors
    areas = [
        roc_auc_score(y == label, probabilities[:, column])
        for column, label in enumerate(classes)
    ]
    inset = None
    if min(areas) > ENLARGED_AREA:
        inset = ax.inset_axes(
            (0.33, 0.53, 0.62, 0.4), xlim=(-0.002, 0.05), ylim=(0.95, 1.002)
        )
    columns, n_labelled = range(len(classes)), len(classes)
    if len(classes) > MAX_CLASSES:
        columns, n_labelled = sorted(columns, key=areas.__getitem__), N_LABELLED
    for position, column in enumerate(columns):
        label = f"{classes[column]}: AUC {areas[column]:.4f}"
        style = {
            "color": colors[column],
            "linestyle": LINE_STYLES[column % len(LINE_STYLES)],
        }
        curve = RocCurveDisplay.from_predictions(
            y == classes[column],
            probabilities[:, column],
            # a name that begins with an underscore is left out of the legend
            curve_kwargs={"label": label if position < n_labelled else "_", **style},
            ax=ax,
        )
        if inset is not None:
            inset.plot(curve.fpr, curve.tpr, **style)
    ax.set(
        title="ROC curves, each class against the rest",
        xlabel="False positive rate",
        ylabel="True positive rate",
    )
    if inset is not None:
        ax.indicate_inset_zoom(inset, edgecolor="black")


def save_results(model, clf, X, y, probabilities, report, folder):
    """Write model, plots and report; each file appears whole or not at all.

    Parameters
    ----------
    model : Pipeline, MnistCNNClassifier or ResNetClassifier
        What is saved: the classifier, or a pipeline that ends with it.
    clf : MnistCNNClassifier or ResNetClassifier
        The fitted classifier.
    X : ndarray of shape (n, height, width) or (n, channels, height, width)
        Test images.
    y : ndarray of shape (n,)
        True labels.
    probabilities : ndarray of shape (n, n_classes)
        Predicted probabilities.
    report : dict
        Content of `report.json`; values that JSON lacks are written as their repr.
    folder : Path
        An existing folder. Files of the same names are replaced.

    Returns
    -------
    list of Path
        The files.
    """
    with tempfile.TemporaryDirectory(prefix=".skmnist-", dir=folder) as temporary:
        temporary = Path(temporary)
        save_model(model, temporary / "model.safetensors")
        save_plots(clf, X, y, probabilities, temporary)
        text = json.dumps(report, indent=2, default=_to_json)
        (temporary / "report.json").write_text(text + "\n")
        written = sorted(path.name for path in temporary.iterdir())
        for name in written:
            os.replace(temporary / name, folder / name)
    return [folder / name for name in written]


def _make_figure(width=7, height=4.5):
    """Create a figure outside of pyplot, and its axes; sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _make_plot_names(classes):
    """Make names of classes that plots can show.

    They are shortened, and without characters that matplotlib or its font do not print:
    a class whose name cannot be shown is called by its position.
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = {chr(code) for code in get_font(findfont(FontProperties())).get_charmap()}
    names = []
    for position, label in enumerate(map(str, classes)):
        name = label if len(label) <= MAX_NAME else f"{label[: MAX_NAME - 1]}…"
        if not {*name} <= known or name in names:
            name = f"class {position}"
            while name in names:
                name += "'"
        names.append(name)
    # a dollar starts a formula, and an underscore a name that the legend leaves out
    names = [name.replace("$", r"\$") for name in names]
    return np.array([f" {name}" if name[0] == "_" else name for name in names])


def _has_long_labels(classes):
    return max(len(str(label)) for label in classes) > 2


def _to_json(value):
    """Convert a value that JSON lacks."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "item"):
        return value.item()
    return re.sub(r" object at 0x\w+", "", repr(value))  # same in each run
