"""What the command prints: names and labels are text, not markup."""

import os
import re
import subprocess

import numpy as np
import pytest
from cli_helpers import COMMAND, FILES, needs_odd_names

import skmnist
from skmnist.datasets import load_mnist_sample


@needs_odd_names
@pytest.mark.parametrize("name", ["runs[lr=0.1]", "a[/b]c", ":warning:", "x\x1b[1m"])
def test_folder_names_are_not_markup(run, monkeypatch, tmp_path, name):
    monkeypatch.setattr(
        skmnist.datasets,
        "fetch_mnist",
        lambda *, data_home, **options: load_mnist_sample(**options),
    )
    home, out = tmp_path / name / "home", tmp_path / name / "out"
    options = ["--epochs", 1, "--batch-size", 500, "--data", "mnist"]
    result = run("train", *options, "--no-numbers", "--data-home", home, "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    shown = str(tmp_path / name).replace("\x1b", r"\x1b")
    assert f"MNIST from {shown}{os.sep}home: 4,000" in result.output
    assert f"in {shown}{os.sep}out:\n" in result.output
    result = run("train", "--resume", out)
    assert result.exit_code == 1
    assert f"Got --resume {shown}{os.sep}out, but" in result.output


@needs_odd_names
def test_picture_names_are_not_markup(run, model, pictures, tmp_path):
    """Neither in the table nor in warnings and errors."""
    names = ["[red]x.png", "a[", ":warning:.png", "[bold", "back\\", "x\x1b[1m.png"]
    folder = tmp_path / "b[" / "b]"  # together a closing tag without an opening one
    folder.mkdir(parents=True)
    paths = [folder / name for name in names]
    for path in paths:
        path.write_bytes((pictures / "one.png").read_bytes())
    blank, empty = folder / "[i]blank[u].png", folder / "[none]"
    blank.write_bytes((pictures / "blank.png").read_bytes())
    empty.touch()
    paths += [blank, empty]
    result = run("predict", model, *paths)
    assert result.exit_code == 1
    rows = re.findall(r"^│ (.*?) +│ +([^\s│]?) +│", result.stdout, re.M)
    shown, wanted = "".join(row[0] for row in rows), "".join(map(str, paths))
    assert shown == wanted.replace("\x1b", r"\x1b")
    assert "".join(row[1] for row in rows) == "111111--"
    assert f"Warning: {blank}: No digits found" in result.stderr
    assert f"Error: Got {empty}, which cannot be read as an image" in result.stderr
    assert "\x1b" not in result.output
    result = run("predict", model, folder / "[missing]")
    assert f"Error: Got {folder / '[missing]'}, but no pictures" in result.stderr


def test_labels_are_not_markup(run, small, few, pictures, tmp_path):
    X, y = few
    names = np.array([f"[b]{digit}[/b]" for digit in range(10)])
    skmnist.save(small().fit(X, names[y]), tmp_path / "model.safetensors")
    result = run("predict", tmp_path / "model.safetensors", pictures / "one.png")
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"\[b\]\d\[/b\]", result.stdout)) == 2


def test_output_encoding_without_the_characters_of_a_name(model, pictures, tmp_path):
    """Text in a pipe whose encoding is ASCII."""
    path = tmp_path / "größe.png"
    path.write_bytes((pictures / "one.png").read_bytes())
    result = subprocess.run(
        [*COMMAND, "predict", str(model), path.name, "nö.png"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert r"gr\xf6\xdfe.png" in result.stdout
    assert r"Error: Got n\xf6.png, but there is no such file." in result.stderr
