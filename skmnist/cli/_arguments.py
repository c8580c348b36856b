"""Arguments that subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

DETECTOR = "detector.safetensors"
"""Name of the file that `skmnist train` writes beside the model."""

Model = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="A model.safetensors written by `skmnist train`.",
    ),
]
"""The file of a model."""

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


def load_model_and_detector(model, detector):
    """Load a model, and the detector that was given or is beside it.

    Parameters
    ----------
    model : Path
    detector : Path or None

    Returns
    -------
    model : classifier or Pipeline
    detector : NonDigitDetector or None
        None if there is none, and for a model of whole pictures.

    Raises
    ------
    ValueError
        If a detector is given with a model of whole pictures.
    """
    from skmnist import load
    from skmnist.preprocessing import ImageResizer
    from skmnist.preprocessing._model_check import split_model

    loaded = load(model)
    if isinstance(split_model(loaded)[0], ImageResizer):
        if detector is not None:
            raise ValueError(
                "Got --detector with a model of whole pictures. It is for models of "
                "digits; leave it out."
            )
        return loaded, None
    if detector is None and (model.parent / DETECTOR).exists():
        detector = model.parent / DETECTOR
    return loaded, None if detector is None else load(detector)
