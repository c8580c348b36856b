"""Arguments that subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

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
        "does not look like a digit.",
    ),
]
"""The file of a detector."""
