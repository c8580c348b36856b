"""`skmnist predict`: predict what pictures show."""

import glob
import json
import math
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from skmnist._picture_files import SUFFIXES
from skmnist.cli._arguments import Detector, Model, Pairs, load_models
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
            "digits, each shows a digit, a number, or several rows of digits.",
        ),
    ],
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for an image of each picture that shows how it was read: the "
            "preprocessing steps, or the boxes of several digits.",
        ),
    ] = None,
    pairs: Pairs = None,
    detector: Detector = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
):
    """Predict what pictures show: photos, scans and drawings."""
    with exit_on_error():
        paths = find_pictures(pictures)
        with output_folder(explain, "--explain") if explain else nullcontext():
            models = load_models(model, pairs, detector)
            predictions = [
                predict_picture(
                    path,
                    *models,
                    explanation=explain and explain / name_explanation(number, path),
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


def predict_picture(
    path, model, pair_classifier=None, detector=None, *, explanation=None
):
    """Predict what one picture shows.

    Parameters
    ----------
    path : str
    model : classifier or Pipeline
        As `skmnist.load` returns it.
    pair_classifier : classifier, default=None
    detector : NonDigitDetector, default=None
    explanation : Path, default=None
        File in which to draw how the picture was read.

    Returns
    -------
    dict
        `file`; `label`, the digits of a row after each other and a line break between
        rows; `probability`, `runner_up` and `runner_up_probability` of the least
        certain digit; `digits`, a list of dicts with the same keys, `box`, `row` and
        `digit_score`, or None for a model of whole pictures; `warnings`, a list of str;
        and `error`, str or None. What is not known is None.
    """
    from skmnist.preprocessing._model_check import split_model

    prediction = {"file": path, "label": None, "probability": None}
    prediction |= {"runner_up": None, "runner_up_probability": None, "digits": None}
    preprocessor, clf = split_model(model)
    try:
        if not hasattr(preprocessor, "preprocess"):
            image = preprocessor.transform([path])
            prediction |= _describe(clf.predict_proba(image)[0], clf.classes_)
            warnings = []
            if explanation is not None:
                _save_steps(preprocessor.explain(path), explanation)
        else:
            from skmnist.reading import read

            reading = read(
                path, model, pair_classifier=pair_classifier, detector=detector
            )
            warnings = reading.doubts
            prediction |= _describe_digits(reading)
            if explanation is not None:
                if len(reading.labels) > 1:
                    _save_boxes(reading, path, explanation)
                else:
                    _save_steps(preprocessor.explain(path), explanation)
    except (OSError, ValueError) as error:
        return {**prediction, "warnings": [], "error": str(error)}
    return {**prediction, "warnings": warnings, "error": None}


def _describe(probabilities, classes):
    """Name the two most probable classes."""
    second, first = probabilities.argsort()[-2:]
    return {
        "label": str(classes[first]),
        "probability": float(probabilities[first]),
        "runner_up": str(classes[second]),
        "runner_up_probability": float(probabilities[second]),
    }


def _describe_digits(reading):
    """Return what `predict_picture` returns of the digits of a picture."""
    digits = [
        {**_describe(probabilities, reading.classes), "box": box, "row": row}
        for probabilities, box, row in zip(
            reading.probabilities,
            reading.boxes.tolist(),
            reading.rows.tolist(),
            strict=True,
        )
    ]
    scores = reading.digit_scores
    for number, digit in enumerate(digits):
        digit["digit_score"] = None if scores is None else float(scores[number])
    prediction = {"digits": digits}
    if digits:
        of_least_certain = _describe(
            reading.probabilities[reading.least_certain], reading.classes
        )
        prediction |= {**of_least_certain, "label": reading.text}
    return prediction


def _save_boxes(reading, picture, path):
    """Draw the digits that were read in a picture into a file."""
    from matplotlib.figure import Figure

    from skmnist.displays import ReadingDisplay

    figure = Figure(figsize=(8, 8), layout="constrained")
    ReadingDisplay.from_reading(reading, picture, ax=figure.subplots())
    _save_figure(figure, path)


def _save_steps(stages, path):
    """Draw the steps of the preprocessing into a file."""
    from matplotlib.figure import Figure  # without pyplot's list of open figures

    from skmnist.displays import PreprocessingDisplay

    n_columns = min(4, len(stages))
    n_rows = math.ceil(len(stages) / n_columns)
    size = (1.9 * n_columns, 2.2 * n_rows)
    figure = Figure(figsize=size, layout="constrained")
    PreprocessingDisplay(stages).plot(n_columns=n_columns, ax=figure.subplots())
    _save_figure(figure, path)


def _save_figure(figure, path):
    """Save a figure, without the empty space around it."""
    from skmnist._safe_file import replace_atomically

    with replace_atomically(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight")
