"""Constants and functions that the tests of the command share."""

import os
import re
import sys

import pytest

FILES = {
    "accuracy_curve.png",
    "confusion_matrix.png",
    "loss_curve.png",
    "mistakes.png",
    "model.safetensors",
    "report.json",
    "roc_curves.png",
}
"""Names of the files that a finished training writes."""

COMMAND = [sys.executable, "-m", "skmnist"]

needs_odd_names = pytest.mark.skipif(
    os.name == "nt", reason="Windows does not allow such file names"
)


def join_first_column(table):
    """Join the first column of a table, in which long names are wrapped."""
    return "".join(re.findall(r"^│ (\S+)", table, flags=re.MULTILINE))
