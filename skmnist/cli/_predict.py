"""`skmnist predict`: predict what pictures show."""

import glob
import json
import math
import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from skmnist._picture_files import SUFFIXES
from skmnist.cli._arguments import Model
from skmnist.cli._output_folder import output_folder
from skmnist.cli._terminal import (
    exit_on_error,
    print_error,
    print_predictions,
    print_warning,
)

MAX_NAME_BYTES = 200
"""Bytes of a picture's name in the name of its explanation; file systems allow 255."""


def predict(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help='Files, folders, or patterns such as "photos/*.jpg". For a model of '
            "digits, each is the picture of one digit.",
        ),
    ],
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for an image of the preprocessing steps of each picture.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
):
    """Predict what pictures show: photos, scans and drawings."""
    with exit_on_error():
        paths = find_pictures(pictures)
        with output_folder(explain, "--explain") if explain else nullcontext():
            from skmnist import load
            from skmnist.preprocessing._model_check import split_model

            preprocessor, clf = split_model(load(model))
            predictions = [
                predict_picture(
                    preprocessor,
                    clf,
                    path,
                    explain and explain / name_explanation(number, path),
                )
                for number, path in enumerate(paths, start=1)
            ]
    if as_json:
        print(json.dumps(predictions, indent=2))
    else:
        print_predictions(predictions)
    for prediction in predictions:
        for warning in prediction["warnings"]:
            print_warning(f"{prediction['file']}: {warning}")
        if prediction["error"]:
            print_error(prediction["error"])
    if any(prediction["error"] for prediction in predictions):
        raise typer.Exit(1)


def find_pictures(arguments):
    """Expand folders and patterns to files.

    Parameters
    ----------
    arguments : list of str
        Files, folders (of which all pictures are taken, without subfolders) and
        patterns.

    Returns
    -------
    list of str
        Each file once. If some exist, the others are kept; they are reported later.

    Raises
    ------
    FileNotFoundError
        If none of the files exists.
    ValueError
        If a folder has no pictures, or a pattern matches nothing.
    """
    found = []
    for argument in arguments:
        # os.path, because pathlib raises an error for names that are too long
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
            raise ValueError(
                f"Got {argument}, but no pictures were found there. Pass files, a "
                "folder of pictures, or a pattern that matches some."
            )
        found.extend(files)
    if not any(map(os.path.exists, found)):
        raise FileNotFoundError(f"Got {', '.join(found)}, but there is no such file.")
    return list(dict.fromkeys(found))


def name_explanation(number, path):
    """Make the name of the file that explains a prediction.

    Parameters
    ----------
    number : int
        Position of the picture; makes the name unique.
    path : str

    Returns
    -------
    str
        The number and the name of the picture, shortened to `MAX_NAME_BYTES`.
    """
    name = os.fsencode(Path(path).name)[:MAX_NAME_BYTES].decode(errors="ignore")
    return f"{number:03}-{name}.png"


def predict_picture(preprocessor, clf, path, explanation=None):
    """Predict what one picture shows.

    Parameters
    ----------
    preprocessor : DigitPreprocessor or ImageResizer
    clf : classifier or Pipeline
        Of what the preprocessor returns.
    path : str
    explanation : Path, default=None
        File in which to draw the steps of the preprocessing.

    Returns
    -------
    dict
        `file`, `label`, `probability`, `runner_up`, `runner_up_probability` (None if
        no digit was found), `warnings` (list of str) and `error` (str or None).
    """
    import numpy as np

    prediction = {"file": path, "label": None, "probability": None}
    prediction |= {"runner_up": None, "runner_up_probability": None}
    try:
        images, stages, warnings = _preprocess(preprocessor, path)
    except (OSError, ValueError) as error:
        return {**prediction, "warnings": [], "error": str(error)}
    if explanation is not None:
        _save_stages(stages(), explanation)
    if images is not None:
        probabilities = clf.predict_proba(images)[0]
        second, first = np.argsort(probabilities)[-2:]
        prediction |= {
            "label": str(clf.classes_[first]),
            "probability": float(probabilities[first]),
            "runner_up": str(clf.classes_[second]),
            "runner_up_probability": float(probabilities[second]),
        }
    return {**prediction, "warnings": warnings, "error": None}


def _preprocess(preprocessor, path):
    """Preprocess one picture.

    Returns
    -------
    images : ndarray with one image, or None
        None if no digit was found.
    stages : callable
        Returns the images after each step by name.
    warnings : list of str
    """
    if not hasattr(preprocessor, "preprocess"):
        return preprocessor.transform([path]), partial(preprocessor.explain, path), []
    result = preprocessor.preprocess(path)
    images = result.image.reshape(1, -1) if result.found else None
    return images, lambda: result.stages, result.quality_warnings


def _save_stages(stages, path):
    """Draw the steps of the preprocessing into a file."""
    from matplotlib.figure import Figure  # without pyplot's list of open figures

    from skmnist._safe_file import replace_atomically
    from skmnist.displays import PreprocessingDisplay

    n_columns = min(4, len(stages))
    n_rows = math.ceil(len(stages) / n_columns)
    size = (1.9 * n_columns, 2.2 * n_rows)
    figure = Figure(figsize=size, layout="constrained")
    PreprocessingDisplay(stages).plot(n_columns=n_columns, ax=figure.subplots())
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, dpi=120)
