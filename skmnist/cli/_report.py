"""What `skmnist train` finds out about a model, and the files it writes."""

import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    RocCurveDisplay,
    accuracy_score,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

from skmnist.displays import AccuracyCurveDisplay, DigitsDisplay, LossCurveDisplay
from skmnist.model_files import save as save_model
from skmnist.model_files._state import library_versions

LOCK = ".skmnist.lock"
"""The file that is locked while a command works in a folder.

The lock ends with its process; the file, hidden, remains only where one was killed.
"""

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""One after the other, so that lines can be told apart without their colours."""


def evaluate(clf, probabilities, y):
    """Judge what a fitted classifier says of images that it has not seen.

    Parameters
    ----------
    clf : MnistCNNClassifier
    probabilities : ndarray of shape (n, n_classes)
        What it predicts for them.
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
            str(label): float(roc_auc_score(y == label, probabilities[:, code]))
            for code, label in enumerate(clf.classes_)
        },
        "confusion_matrix": confusion_matrix(
            y, predicted, labels=clf.classes_
        ).tolist(),
    }


def describe(clf):
    """What a reader needs to repeat a training, as a JSON-able dict.

    Parameters
    ----------
    clf : MnistCNNClassifier
        A fitted one.

    Returns
    -------
    dict
        Parameters, epochs, losses and accuracies, device, threads and versions.
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


def save_pictures(clf, X, y, probabilities, folder):
    """Draw a training and its outcome into PNG files.

    Parameters
    ----------
    clf : MnistCNNClassifier
    X, y : images and labels that it has not seen
    probabilities : ndarray of shape (n, n_classes)
        What it predicts for them.
    folder : Path
    """
    figure, ax = _figure()
    LossCurveDisplay.from_estimator(clf, ax=ax)
    figure.savefig(folder / "loss_curve.png", dpi=120)

    figure, ax = _figure()
    AccuracyCurveDisplay.from_estimator(clf, ax=ax)
    figure.savefig(folder / "accuracy_curve.png", dpi=120)

    predicted = clf.classes_[probabilities.argmax(axis=1)]
    figure, ax = _figure(width=7, height=6)
    ConfusionMatrixDisplay.from_predictions(
        y, predicted, labels=clf.classes_, cmap="Blues", ax=ax
    )
    ax.set_title(f"Confusion matrix of {len(y):,} held-out digits")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)

    figure, ax = _figure(width=7, height=6)
    draw_roc_curves(clf.classes_, probabilities, y, ax)
    figure.savefig(folder / "roc_curves.png", dpi=120)

    display = DigitsDisplay.from_predictions(
        X, y, probabilities, classes=clf.classes_, image_shape=clf.image_shape_
    )
    display.figure_.savefig(folder / "mistakes.png", dpi=120)


def draw_roc_curves(classes, probabilities, y, ax):
    """Draw one ROC curve for each class against the rest on the same axes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    probabilities : ndarray of shape (n, n_classes)
    y : ndarray of shape (n,)
        True labels.
    ax : matplotlib Axes
    """
    from matplotlib import colormaps

    corner = ax.inset_axes(
        (0.33, 0.53, 0.62, 0.4), xlim=(-0.002, 0.05), ylim=(0.95, 1.002)
    )
    colours = colormaps["viridis"].resampled(len(classes)).colors
    for code, (label, colour) in enumerate(zip(classes, colours, strict=True)):
        area = roc_auc_score(y == label, probabilities[:, code])
        style = {"color": colour, "linestyle": LINE_STYLES[code % len(LINE_STYLES)]}
        curve = RocCurveDisplay.from_predictions(
            y == label,
            probabilities[:, code],
            curve_kwargs={"label": f"digit {label}: AUC {area:.4f}", **style},
            ax=ax,
        )
        corner.plot(curve.fpr, curve.tpr, **style)
    ax.set(
        title="ROC curves, each digit against the rest",
        xlabel="False positive rate",
        ylabel="True positive rate",
    )
    ax.indicate_inset_zoom(corner, edgecolor="black")


def save(clf, X, y, probabilities, report, folder):
    """Write model, pictures and report; each file appears whole or not at all.

    Parameters
    ----------
    clf : MnistCNNClassifier
    X, y : images and labels that it has not seen
    probabilities : ndarray of shape (n, n_classes)
        What it predicts for them.
    report : dict
        What `report.json` will hold; what JSON cannot say is written as its repr.
    folder : Path
        An existing folder. Files of the same names are replaced.

    Returns
    -------
    list of Path
    """
    with tempfile.TemporaryDirectory(prefix=".skmnist-", dir=folder) as temporary:
        temporary = Path(temporary)
        save_model(clf, temporary / "model.safetensors")
        save_pictures(clf, X, y, probabilities, temporary)
        text = json.dumps(report, indent=2, default=_name_of)
        (temporary / "report.json").write_text(text + "\n")
        written = sorted(path.name for path in temporary.iterdir())
        for name in written:
            os.replace(temporary / name, folder / name)
    return [folder / name for name in written]


@contextmanager
def output_folder(folder, option="--out"):
    """Make a folder and lock it; take it back if the work inside fails.

    What a process that was killed has left there half-written goes away.

    Parameters
    ----------
    folder : Path
    option : str, default="--out"
        What the user named it by; for the error.

    Raises
    ------
    OSError
        If nothing can be written there, or another command works there.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    # no fallback: a lock of another kind may outlive the process that holds it
    lock = FileLock(folder / LOCK, blocking=False, fallback_to_soft=False)
    try:
        _lock(lock, folder, option)
        yield folder
    except BaseException:
        _unlock(lock)
        for path in made:
            with suppress(OSError):  # it is not empty
                path.rmdir()
        raise
    _unlock(lock)


def _lock(lock, folder, option):
    """Make a folder, lock it, and remove what killed commands have left there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        tempfile.TemporaryFile(dir=folder).close()
        for left_behind in folder.glob(".skmnist-*"):
            shutil.rmtree(left_behind)
    except Timeout as error:
        raise OSError(
            f"Got {option} {folder}, but another skmnist command is working in that "
            "folder. Wait until it has ended, or name another folder."
        ) from error
    except OSError as error:
        raise OSError(
            f"Cannot write into {folder}: {error}. Make it writable, or name another "
            f"folder with {option}."
        ) from error


def _unlock(lock):
    """Release a lock, if it is held, and remove its file."""
    if lock.is_locked:
        if os.name != "nt":  # there the release removes the file
            # before it is released: afterwards it may be another command's
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _figure(width=7, height=4.5):
    """A figure of its own, unknown to pyplot, and its axes; sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _name_of(value):
    """What stands in JSON for a value that JSON does not have."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "item"):
        return value.item()
    return re.sub(r" object at 0x\w+", "", repr(value))  # the same in each run
