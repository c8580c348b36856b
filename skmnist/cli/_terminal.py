"""Output of the `skmnist` command to the terminal."""

import os
import shlex
import subprocess
import sys
import unicodedata
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
error_console = Console(stderr=True, highlight=False, soft_wrap=True)


def escape_unencodable_output():
    """Escape characters that the encoding of the output lacks.

    Otherwise a file name could end a command with an error after its work is done.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def exit_on_error():
    """Print an expected error without a traceback, and exit with code 1.

    Raises
    ------
    typer.Exit
        For an ImportError, OSError, TypeError or ValueError.
    """
    try:
        yield
    except (ImportError, OSError, TypeError, ValueError) as error:
        print_error(error)
        raise typer.Exit(1) from error


# Lines --------------------------------------------------------------------------------


def print_line(text):
    """Print one line.

    Parameters
    ----------
    text : object
        Text without markup; control characters are escaped.
    """
    console.print(escape(text))


def print_fact(name, text):
    """Print one line with a bold name in front.

    Parameters
    ----------
    name : str
        At most ten characters; "" continues the previous fact.
    text : object
    """
    console.print(Text.assemble((f"{name:10}", "bold"), escape(text)))


def print_warning(text):
    """Print a warning to stderr."""
    error_console.print(Text("Warning:", "bold yellow"), escape(text))


def print_error(text):
    """Print an error to stderr."""
    error_console.print(Text("Error:", "bold red"), escape(text))


def print_interrupted(text):
    """Print what Ctrl-C leaves to do to stderr."""
    error_console.print(Text("Interrupted.", "bold red"), escape(text))


# Tables -------------------------------------------------------------------------------


def print_confusion_matrix(counts, areas, n_images):
    """Print the confusion matrix and the area under the ROC curve of each class.

    Parameters
    ----------
    counts : list of list of int
        Rows: true class; columns: predicted class.
    areas : dict of str to float
        Area under the ROC curve of each label against the rest.
    n_images : int
    """
    table = Table(
        title=f"Confusion matrix of {n_images:,} held-out digits",
        caption="rows: true digit; columns: predicted digit; ROC AUC: area under the "
        "ROC curve of this digit against the rest",
    )
    table.add_column("", style="bold")
    for label in areas:
        table.add_column(escape(label), justify="right")
    table.add_column("ROC AUC", justify="right")
    for row, (label, area) in enumerate(areas.items()):
        cells = [
            f"[bold]{n}[/]" if column == row else (str(n) if n else "[dim]·[/]")
            for column, n in enumerate(counts[row])
        ]
        table.add_row(escape(label), *cells, f"{area:.5f}")
    console.print(table)


def print_predictions(predictions):
    """Print a table with a row for each picture.

    Parameters
    ----------
    predictions : list of dict
        With the keys `file`, `label`, `probability`, `runner_up` and
        `runner_up_probability`; all but the first are None where there is no digit.
    """
    table = Table()
    table.add_column("file", overflow="fold")
    table.add_column("digit", justify="center")
    table.add_column("probability", justify="right")
    table.add_column("runner-up", justify="right")
    for prediction in predictions:
        if prediction["label"] is None:
            cells = [Text("-", "dim")] * 3
        else:
            runner_up, probability = (
                prediction[key] for key in ("runner_up", "runner_up_probability")
            )
            cells = [
                escape(prediction["label"], "bold"),
                f"{prediction['probability']:.1%}",
                escape(f"{runner_up}, {probability:.1%}"),
            ]
        table.add_row(escape(prediction["file"]), *cells)
    console.print(table)


# Text ---------------------------------------------------------------------------------


def escape(text, style=""):
    """Convert text from the user to Text without markup or control characters.

    Parameters
    ----------
    text : object
    style : str, default=""

    Returns
    -------
    rich.text.Text
    """
    return Text(
        "".join(
            # Cs: bytes of a file name that are not valid text
            character.encode("unicode_escape").decode()
            if unicodedata.category(character) in ("Cc", "Cs") and character != "\n"
            else character
            for character in str(text)
        ),
        style,
    )


def join_command(arguments):
    """Join arguments to a command line that can be pasted into a shell.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    str
    """
    join = subprocess.list2cmdline if os.name == "nt" else shlex.join
    return join(arguments)
