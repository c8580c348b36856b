"""Arguments that subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

PAIRS, DETECTOR = "pairs.safetensors", "detector.safetensors"
"""Names of the files that `skmnist train` writes beside a model of digits."""

Model = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="A model.safetensors written by `skmnist train`.",
    ),
]
"""The file of a model."""

Pairs = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="A file of a classifier that reads two digits that touch (default: "
        f"{PAIRS} in the folder of the model, if there is one).",
        show_default=False,
    ),
]
"""The file of a classifier of touching digits."""

Detector = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="A file of a NonDigitDetector, saved by `skmnist.save`, that tells what "
        f"does not look like a digit (default: {DETECTOR} in the folder of the model, "
        "if there is one).",
        show_default=False,
    ),
]
"""The file of a detector."""


def load_models(model, pairs, detector):
    """Load a model, and the files that were given or are beside it.

    Parameters
    ----------
    model : Path
    pairs, detector : Path or None

    Returns
    -------
    model : classifier or Pipeline
    pair_classifier : classifier or None
    detector : NonDigitDetector or None
        None if there is no file, and for a model of whole pictures.

    Raises
    ------
    ValueError, TypeError
        If one of the files does not fit the model, or is given with a model of whole
        pictures.
    """
    from skmnist import load
    from skmnist.preprocessing import ImageResizer
    from skmnist.preprocessing._model_check import split_model
    from skmnist.preprocessing._pair_reading import check_pair_classifier
    from skmnist.reading import check_detector

    loaded = load(model)
    preprocessor, clf = split_model(loaded)
    if isinstance(preprocessor, ImageResizer):
        for option, path in (("--pairs", pairs), ("--detector", detector)):
            if path is not None:
                raise ValueError(
                    f"Got {option} with a model of whole pictures. It is for models of "
                    "digits; leave it out."
                )
        return loaded, None, None
    pair_classifier, found_detector = (
        load(path or beside) if path or beside.exists() else None
        for path, beside in (
            (pairs, model.parent / PAIRS),
            (detector, model.parent / DETECTOR),
        )
    )
    check_pair_classifier(pair_classifier, clf)
    check_detector(found_detector)
    return loaded, pair_classifier, found_detector
