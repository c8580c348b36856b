"""The `skmnist` command: a module for each subcommand.

Everything that takes long to import is imported inside the functions that need it, so
that help and errors in the arguments appear at once.
"""

from typing import Annotated

import typer

import skmnist
from skmnist.cli._demo import demo
from skmnist.cli._predict import predict
from skmnist.cli._terminal import escape_unencodable_output, print_line
from skmnist.cli._train import train

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
for command in (train, predict, demo):
    app.command()(command)


def print_version(wanted):
    """Print the version and exit, if it is wanted."""
    if wanted:
        print_line(f"skmnist {skmnist.__version__}")
        raise typer.Exit


@app.callback()
def print_version_if_wanted(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
):
    """A convolutional network for MNIST-like images, as a scikit-learn estimator."""


def main():
    """Run the command."""
    escape_unencodable_output()
    app()
