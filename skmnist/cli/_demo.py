"""`skmnist demo`: serve a page to draw digits on."""

from typing import Annotated

import typer

from skmnist.cli._arguments import Detector, Model, Pairs, load_models
from skmnist.cli._terminal import exit_on_error, print_line


def demo(
    model: Model,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port."),
    ] = 8000,
    pairs: Pairs = None,
    detector: Detector = None,
):
    """Serve a page to draw digits on, on this machine only, until Ctrl-C."""
    with exit_on_error():
        from skmnist.demo import serve

        clf, pair_classifier, found_detector = load_models(model, pairs, detector)
        serve(
            clf,
            port,
            lambda address: print_line(f"Open {address} in a browser (Ctrl-C to stop)"),
            pair_classifier=pair_classifier,
            detector=found_detector,
        )
