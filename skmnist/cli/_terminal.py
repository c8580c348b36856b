"""Output of the `skmnist` command to the terminal."""

import os
import shlex
import subprocess
import sys
import unicodedata
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
error_console = Console(stderr=True, highlight=False, soft_wrap=True)

MAX_CLASSES = 20
"""Number of classes up to which a confusion matrix is printed."""

N_MISTAKES = 10
"""Number of rows that are printed of a larger confusion matrix."""


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

    Of more than `MAX_CLASSES` classes, print the most frequent mistakes instead.

    Parameters
    ----------
    counts : list of list of int
        Rows: true class; columns: predicted class.
    areas : dict of str to float
        Area under the ROC curve of each label against the rest.
    n_images : int
    """
    if len(areas) > MAX_CLASSES:
        _print_mistakes(counts, list(areas), n_images)
        return
    # names do not fit above the columns
    numbered = any(len(label) > 3 for label in areas)
    table = Table(
        title=f"Confusion matrix of {n_images:,} held-out images",
        caption="rows: true class; columns: predicted class; ROC AUC: area under the "
        "ROC curve of this class against the rest",
    )
    table.add_column("", style="bold")
    for number, label in enumerate(areas):
        table.add_column(escape(number if numbered else label), justify="right")
    table.add_column("ROC AUC", justify="right")
    for row, (label, area) in enumerate(areas.items()):
        cells = [
            f"[bold]{n}[/]" if column == row else (str(n) if n else "[dim]·[/]")
            for column, n in enumerate(counts[row])
        ]
        name = f"{row} {label}" if numbered else label
        table.add_row(escape(name), *cells, f"{area:.5f}")
    unlimited = console.options.update(width=1000)
    if Measurement.get(console, unlimited, table).maximum > console.width:
        table.padding = 0  # rather than shortened numbers
    console.print(table)


def _print_mistakes(counts, labels, n_images):
    """Print which classes are confused most often."""
    mistakes = [
        (n, label, predicted)
        for label, row in zip(labels, counts, strict=True)
        for predicted, n in zip(labels, row, strict=True)
        if n and label != predicted
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    table = Table(
        title=f"Most frequent mistakes among {n_images:,} held-out images",
        caption=f"the confusion matrix of all {len(labels)} classes is in the files",
    )
    table.add_column("true class")
    table.add_column("predicted class")
    table.add_column("images", justify="right")
    for n, label, predicted in mistakes[:N_MISTAKES]:
        table.add_row(escape(label), escape(predicted), str(n))
    console.print(table)


def print_predictions(predictions):
    """Print a table with a row for each picture.

    Parameters
    ----------
    predictions : list of dict
        With the keys `file`, `label`, `probability`, `runner_up` and
        `runner_up_probability`; all but the first are None where there is no digit. A
        label with several digits has the probability of the least certain one.
    """
    table = Table()
    table.add_column("file", overflow="fold")
    table.add_column("label", justify="center")
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
