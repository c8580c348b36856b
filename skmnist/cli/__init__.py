"""The `skmnist` command."""

from skmnist.cli._app import app, main

__all__ = ["app", "main"]
