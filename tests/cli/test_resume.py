"""`skmnist train --resume`: interrupted trainings are finished."""

import json
import os
import re
import shlex
import subprocess

import kill_and_resume
import pytest
from cli_helpers import FILES
from typer.testing import CliRunner

import skmnist
from skmnist.callbacks import TrainingCheckpoint
from skmnist.cli import _progress, _report, _train, app
from skmnist.cli._train import CHECKPOINT, COMMAND
from skmnist.datasets import load_mnist_sample


@pytest.fixture
def killed(run, tmp_path, monkeypatch):
    """Output folder of a training that was killed in its second epoch."""

    class Killed(BaseException):
        """An exception that nothing catches, like SIGKILL."""

    def die(self, net, **kwargs):
        if len(net.history) == 2:
            raise Killed

    out = tmp_path / "out"
    monkeypatch.setattr(_progress.TrainingProgress, "on_batch_end", die)
    options = ["--epochs", 3, "--batch-size", 500, "--seed", 5, "--recipe", "article"]
    options.append("--no-numbers")
    with pytest.raises(Killed):
        CliRunner().invoke(
            app,
            ["train", *map(str, options), "--out", str(out)],
            catch_exceptions=False,
        )
    monkeypatch.undo()
    return out


def test_resume(run, killed):
    assert {path.name for path in killed.iterdir()} == {CHECKPOINT, COMMAND}
    assert TrainingCheckpoint(killed / CHECKPOINT).n_epochs == 1
    half_written = killed / ".skmnist-abc"
    half_written.mkdir()
    (half_written / "report.json").touch()
    result = run("train", "--resume", killed)
    assert result.exit_code == 0, result.output
    assert "resumed after 1 epoch\n" in result.output
    assert "3 epochs, batches of 500" in result.output
    lines = re.findall(r"  epoch +(\d)/3", result.output)
    assert lines == ["2", "3"]
    assert {path.name for path in killed.iterdir()} == FILES
    report = json.loads((killed / "report.json").read_text())
    assert report["resumed_after"] == [1]
    assert report["interrupted"] is False
    assert report["epochs_finished"] == 3
    assert (report["seed"], report["recipe"]) == (5, "article")
    durations = [epoch["dur"] for epoch in report["epochs"]]
    assert report["train_seconds"] > sum(durations)

    result = run("train", "--resume", killed)
    assert result.exit_code == 1
    assert "that training is finished" in result.output


def test_unfinished_training_is_not_overwritten(run, killed):
    before = (killed / CHECKPOINT).read_bytes()
    result = run("train", "--out", killed)
    assert result.exit_code == 1
    assert "stopped after 1 epoch" in result.output
    assert f"skmnist train --resume {killed}" in result.output.replace("\n", "")
    assert (killed / CHECKPOINT).read_bytes() == before


def test_resume_with_other_options(run, killed):
    result = run("train", "--resume", killed, "--lr", 0.1, "--batch-size", 3)
    assert result.exit_code == 1
    assert "Got --resume with --lr, --batch-size" in result.output
    assert (killed / CHECKPOINT).exists()


def test_resume_without_a_checkpoint(run, tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        result = run("train", "--resume", folder)
        assert result.exit_code == 1
        assert "there is nothing to resume" in result.output
    assert list(tmp_path.iterdir()) == []


def test_resume_with_other_digits(run, killed, monkeypatch):
    def load(*, subset):
        digits = load_mnist_sample(subset=subset)
        digits.target = digits.target[::-1].copy()
        return digits

    monkeypatch.setattr(skmnist.datasets, "load_mnist_sample", load)
    result = run("train", "--resume", killed)
    assert result.exit_code == 1
    assert "holds a training with other images, labels or weights" in result.output
    assert {path.name for path in killed.iterdir()} == {CHECKPOINT, COMMAND}


def test_resume_from_a_damaged_checkpoint(run, killed):
    path = killed / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    result = run("train", "--resume", killed)
    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert "Traceback" not in result.output


def test_resume_before_the_first_epoch(run, killed):
    (killed / CHECKPOINT).unlink()
    result = run("train", "--resume", killed)
    assert result.exit_code == 0, result.output
    assert re.findall(r"  epoch +(\d)/3", result.output) == ["1", "2", "3"]
    assert {path.name for path in killed.iterdir()} == FILES


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"options": {"recipe": "none"}, "resumed_after": []}'),
        '{"options": {}, "resumed_after": 5}',
    ],
)
def test_resume_with_damaged_options(run, killed, text):
    (killed / COMMAND).write_text(text)
    result = run("train", "--resume", killed)
    assert result.exit_code == 1
    assert "does not hold the options of an unfinished" in result.output
    assert "Traceback" not in result.output
    assert (killed / CHECKPOINT).exists()


@pytest.mark.parametrize(
    "name", ["evaluate", "save_results", "describe_training", "_load_data"]
)
def test_interrupt_outside_training(run, monkeypatch, tmp_path, name):
    """Ctrl-C outside of `fit` keeps the finished epochs and prints how to resume."""
    out = tmp_path / "it's [lr=0.1]"
    options = ["--epochs", 1, "--batch-size", 500, "--recipe", "article"]
    options.append("--no-numbers")

    def interrupt(*_):
        raise KeyboardInterrupt

    if name == "_load_data":  # only a resumed training has finished epochs by then
        monkeypatch.setattr(_report, "save_results", interrupt)
        assert run("train", *options, "--out", out).exit_code == 130
        options = ["--resume", out]
    else:
        options += ["--out", out]
    module = _train if name == "_load_data" else _report
    monkeypatch.setattr(module, name, interrupt)
    result = run("train", *options)
    assert result.exit_code == 130
    assert {path.name for path in out.iterdir()} == {CHECKPOINT, COMMAND}
    monkeypatch.undo()
    _, _, hint = result.output.replace("\n", "").partition("Resume the training with ")
    if os.name == "nt":
        assert hint == subprocess.list2cmdline(
            ["skmnist", "train", "--resume", str(out)]
        )
    else:
        assert shlex.split(hint) == ["skmnist", "train", "--resume", str(out)]
    result = run("train", "--resume", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    result = run("train", "--resume", out)
    assert "that training is finished" in result.output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_trainings():
    """A part of `python tests/cli/kill_and_resume.py`."""
    rows = kill_and_resume.run(2, seed=1, recipes=["default"], epochs=2)
    assert sum(not row["finished"] for row in rows) == 2


def test_checkpoint_of_another_training_is_kept(run, killed):
    """It may come from a `TrainingCheckpoint` of the user."""
    (killed / COMMAND).unlink()
    before = (killed / CHECKPOINT).read_bytes()
    result = run("train", "--epochs", 1, "--batch-size", 500, "--out", killed)
    assert result.exit_code == 1
    assert "belongs to no training that could be resumed" in result.output
    assert (killed / CHECKPOINT).read_bytes() == before
    assert [path.name for path in killed.iterdir()] == [CHECKPOINT]
