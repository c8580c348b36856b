"""What `skmnist predict` reads out of pictures."""

import glob
import os
import warnings
from pathlib import Path

import numpy as np

from skmnist._safe_file import replace_atomically
from skmnist.displays import PreprocessingDisplay
from skmnist.preprocessing import DigitPreprocessor
from skmnist.preprocessing._segmentation import FRAME

SUFFIXES = {
    *(".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif"),
    *(".tiff", ".webp"),
}
"""What counts as a picture in a folder."""

LONGEST_NAME = 200
"""Bytes of a picture's name in that of its explanation; file systems take 255."""


def check_reads_frames(clf):
    """Raise ValueError for a classifier of other images than MNIST's.

    Parameters
    ----------
    clf : MnistCNNClassifier
    """
    if clf.image_shape_ != (1, FRAME, FRAME):
        raise ValueError(
            f"Got a model of images of shape {clf.image_shape_}, but pictures become "
            f"(1, {FRAME}, {FRAME}). Use a model that was trained on MNIST, or on its "
            "like."
        )
    if clf.pixel_mean_[0] < 1:
        raise ValueError(
            f"Got a model of pixels with a mean of {clf.pixel_mean_[0]:.3f}, but those "
            "of pictures go from 0 to 255. Train one on such pixels, undivided."
        )


def find_pictures(arguments):
    """Find the files that a user means.

    Parameters
    ----------
    arguments : list of str
        Files, folders (all pictures in them, not in those below) and patterns.

    Returns
    -------
    list of str
        Files, each once; what does not exist is among them, for a message later.

    Raises
    ------
    ValueError
        If there is nothing in a folder, or for a pattern.
    """
    found = []
    for argument in arguments:
        # not pathlib's tests, which raise an error for a name that is too long
        if os.path.isdir(argument):
            files = [
                str(file)
                for file in sorted(Path(argument).iterdir())
                if file.suffix.lower() in SUFFIXES and not file.is_dir()
            ]
        elif not os.path.exists(argument) and glob.has_magic(argument):
            files = sorted(glob.glob(argument, recursive=True))
        else:
            files = [argument]
        if not files:
            raise ValueError(f"Got {argument}, where there are no pictures.")
        found.extend(files)
    return list(dict.fromkeys(found))


def name_explanation(number, path):
    """Name the picture of the steps by which another one is read.

    Parameters
    ----------
    number : int
        Tells it from the others.
    path : str

    Returns
    -------
    str
        With the number and the beginning of the file's name, as much as fits.
    """
    name = os.fsencode(Path(path).name)[:LONGEST_NAME].decode(errors="ignore")
    return f"{number:03}-{name}.png"


def read_picture(clf, path, explain=None):
    """Read the digit in one picture.

    Parameters
    ----------
    clf : MnistCNNClassifier
    path : str
    explain : Path or None
        File for a picture of the steps.

    Returns
    -------
    dict
        `file`, `label`, `probability`, `runner_up`, `runner_up_probability` (None where
        nothing was read), `warnings` (list of str) and `error` (str or None).
    """
    reading = {"file": path, "label": None, "probability": None}
    reading |= {"runner_up": None, "runner_up_probability": None}
    preprocessor = DigitPreprocessor()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            row = preprocessor.transform([path])
    except (OSError, ValueError) as error:
        return {**reading, "warnings": [], "error": str(error)}
    reasons = [str(warning.message).removeprefix(f"{path}: ") for warning in caught]
    if explain is not None:
        figure = (
            PreprocessingDisplay(preprocessor.explain(path))
            .plot(ax=_new_axes())
            .figure_
        )
        with replace_atomically(explain) as temporary:
            figure.savefig(temporary, dpi=120)
    if row.any():
        probabilities = clf.predict_proba(row)[0]
        second, first = np.argsort(probabilities)[-2:]
        reading |= {
            "label": str(clf.classes_[first]),
            "probability": float(probabilities[first]),
            "runner_up": str(clf.classes_[second]),
            "runner_up_probability": float(probabilities[second]),
        }
    return {**reading, "warnings": reasons, "error": None}


def _new_axes():
    """Axes in a figure that pyplot knows nothing of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(7.6, 4.4), layout="constrained").subplots()
