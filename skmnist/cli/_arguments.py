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
