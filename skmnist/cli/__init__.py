"""The `skmnist` command: a module for each subcommand."""

import typer

from skmnist.cli._demo import demo
from skmnist.cli._predict import predict
from skmnist.cli._terminal import escape_unencodable_output
from skmnist.cli._train import train

__all__ = ["app", "main"]

app = typer.Typer(
    help="A convolutional network for MNIST-like images, as a scikit-learn estimator.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (train, predict, demo):
    app.command()(command)


def main():
    """Run the command."""
    escape_unencodable_output()
    app()
