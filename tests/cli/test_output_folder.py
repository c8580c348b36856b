"""The output folder and its lock."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cli_helpers import FILES

from skmnist.cli import _report, _train
from skmnist.cli._output_folder import output_folder


def test_unwritable_out_is_reported_before_training(run, monkeypatch, tmp_path):
    monkeypatch.setattr(_train, "_load_data", None)  # a call would fail
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = run("train", "--out", out)
        assert result.exit_code == 1
        assert f"Cannot write into {out}" in result.output.replace("\n", "")


def test_one_command_at_a_time_works_in_a_folder(run, model, monkeypatch, tmp_path):
    """Other commands report an error and leave all files alone."""
    out, evaluate = tmp_path / "out", _report.evaluate
    options = ["--epochs", 1, "--batch-size", 500, "--no-numbers"]

    def busy(*arguments):
        running = out / ".skmnist-running"  # as while a file is written
        running.mkdir()
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        for *command, option in (
            ("train", *options, "--out"),
            ("train", "--resume"),
            ("predict", model, __file__, "--explain"),
        ):
            result = run(*command, option, out)
            assert result.exit_code == 1
            assert result.output == (
                f"Error: Got {option} {out}, but another skmnist command is working in "
                "that folder. Wait until it has finished, or choose another folder.\n"
            )
        assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
        running.rmdir()
        return evaluate(*arguments)

    monkeypatch.setattr(_report, "evaluate", busy)
    result = run("train", *options, "--out", out)
    assert result.exit_code == 0, (result.output, result.exception)
    assert {path.name for path in out.iterdir()} == FILES


HOLD = """
import sys, time
from pathlib import Path
from skmnist.cli._output_folder import output_folder

with output_folder(Path(sys.argv[1])) as folder:
    (folder / ".skmnist-half-written").mkdir()
    print(flush=True)
    time.sleep(100)
"""


def test_killed_command_does_not_block_the_folder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(OSError, match="another"), output_folder(tmp_path):
            pass
        assert (tmp_path / ".skmnist-half-written").exists()
        process.kill()
    with output_folder(tmp_path):
        assert not (tmp_path / ".skmnist-half-written").exists()
    assert list(tmp_path.iterdir()) == []


def test_created_folders_are_removed_after_an_error(tmp_path):
    (tmp_path / "there").mkdir()

    def fail(folder, name=None):
        with output_folder(folder):
            if name is not None:
                (folder / name).touch()
            raise ZeroDivisionError

    for folder in (tmp_path / "there", tmp_path / "new" / "deep"):
        with pytest.raises(ZeroDivisionError):
            fail(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with pytest.raises(ZeroDivisionError):
        fail(folder, "kept")
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_lock_excludes_others_while_lock_files_come_and_go(tmp_path):
    """Among many concurrent commands, at most one is in the folder."""
    inside, most, n_refused = [], 0, 0

    def work(number):
        nonlocal most, n_refused
        try:
            with output_folder(tmp_path / "out"):
                inside.append(number)
                most = max(most, len(inside))
                time.sleep(0.0002)
                inside.remove(number)
        except OSError:
            n_refused += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert most == 1
    assert 0 < n_refused < 2000
