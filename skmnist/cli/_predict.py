"""`skmnist predict`: predict the digits in pictures."""

import glob
import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._arguments import Model
from skmnist.cli._output_folder import output_folder
from skmnist.cli._terminal import (
    exit_on_error,
    print_error,
    print_predictions,
    print_warning,
)

SUFFIXES = {
    *(".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif"),
    *(".tiff", ".webp"),
}
"""Suffixes of the files in a folder that are pictures."""

MAX_NAME_BYTES = 200
"""Bytes of a picture's name in the name of its explanation; file systems allow 255."""


def predict(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help="Pictures of one digit each: files, folders, or patterns such as "
            '"photos/*.jpg".',
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
    """Predict the digits in pictures: photos, scans and drawings."""
    with exit_on_error():
        paths = find_pictures(pictures)
        with output_folder(explain, "--explain") if explain else nullcontext():
            from skmnist import load
            from skmnist.preprocessing._model_check import check_classifier

            clf = load(model)
            check_classifier(clf)
            predictions = [
                predict_picture(
                    clf, path, explain and explain / name_explanation(number, path)
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


def predict_picture(clf, path, explanation=None):
    """Predict the digit in one picture.

    Parameters
    ----------
    clf : MnistCNNClassifier
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

    from skmnist.preprocessing import DigitPreprocessor

    prediction = {"file": path, "label": None, "probability": None}
    prediction |= {"runner_up": None, "runner_up_probability": None}
    try:
        result = DigitPreprocessor().preprocess(path)
    except (OSError, ValueError) as error:
        return {**prediction, "warnings": [], "error": str(error)}
    if explanation is not None:
        _save_stages(result.stages, explanation)
    if result.found:
        probabilities = clf.predict_proba(result.image.reshape(1, -1))[0]
        second, first = np.argsort(probabilities)[-2:]
        prediction |= {
            "label": str(clf.classes_[first]),
            "probability": float(probabilities[first]),
            "runner_up": str(clf.classes_[second]),
            "runner_up_probability": float(probabilities[second]),
        }
    return {**prediction, "warnings": result.quality_warnings, "error": None}


def _save_stages(stages, path):
    """Draw the steps of the preprocessing into a file."""
    from matplotlib.figure import Figure  # without pyplot's list of open figures

    from skmnist._safe_file import replace_atomically
    from skmnist.displays import PreprocessingDisplay

    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    PreprocessingDisplay(stages).plot(ax=figure.subplots())
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, dpi=120)
