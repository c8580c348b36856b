"""Kill trainings at random moments, and see that each goes on as if nothing had been.

    python tests/cli/kill.py 20

starts `skmnist train` on the sample, kills it (SIGKILL) at a random moment between its
first file and its end, goes on with `--resume`, kills that too in every other run, and
compares the outcome with that of a training that was left alone: weights, history and
report, but for the times, to the last bit.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import skmnist
from skmnist.model_files._checkpoint import read_state

RECIPES = ("default", "article", "accurate")


def start(*arguments):
    """Start the command, with one thread, so that all have the same."""
    return subprocess.Popen(
        [sys.executable, "-m", "skmnist", "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )


def outcome(folder):
    """What a training leaves behind, without times."""
    clf = skmnist.load(folder / "model.safetensors")
    report = json.loads((folder / "report.json").read_text())
    rows = [*clf.history, *report["epochs"]]
    for row in rows:
        row.pop("dur")
    for key in ("train_seconds", "resumed_after"):
        del report[key]
    weights = {name: w.tolist() for name, w in clf.module_.state_dict().items()}
    return weights, list(clf.history), report


def kill_once(process, folder, seconds):
    """Kill a training some time after it has begun.

    Returns
    -------
    printed : int
        The last epoch that it spoke of.
    kept : int
        Finished epochs in the state on disk.
    at_its_end : bool
        Whether it had ended before.
    """
    path = folder / "training.safetensors"
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    process.kill()
    text, _ = process.communicate()
    lines = [line.split()[1] for line in text.splitlines() if "  epoch " in line]
    printed = int(lines[-1].split("/")[0]) if lines else 0
    if not path.exists():
        return printed, printed, True
    return printed, read_state(path).n_finished, False


def run(n_kills, seed, recipes=RECIPES, epochs=4):
    """Kill `n_kills` trainings; return one line of figures for each kill.

    Raises
    ------
    AssertionError
        If one lost more than the epoch that was running, or ended otherwise.
    """
    generator = random.Random(seed)
    torch.set_num_threads(1)
    rows, expected, duration = [], {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        temporary = Path(temporary)
        while sum(not row["ended before"] for row in rows) < n_kills:
            recipe = recipes[len(rows) % len(recipes)]
            command = ["--recipe", recipe, "--epochs", epochs, "--batch-size", 128]
            if recipe not in expected:
                alone = temporary / recipe
                process = start(*command, "--out", alone)
                while not (alone / "training.safetensors").exists():
                    assert process.poll() is None, process.communicate()[0]
                    time.sleep(0.01)
                begin = time.monotonic()
                text, _ = process.communicate()
                assert process.returncode == 0, text
                duration[recipe] = time.monotonic() - begin
                expected[recipe] = outcome(alone)
            folder = temporary / f"killed-{len(rows)}"
            process = start(*command, "--out", folder)
            for _ in range(2 - len(rows) % 2):
                seconds = generator.uniform(0, duration[recipe])
                printed, kept, ended = kill_once(process, folder, seconds)
                rows.append(
                    {
                        "recipe": recipe,
                        "seconds": round(seconds, 2),
                        "epochs printed": printed,
                        "epochs kept": kept,
                        "ended before": ended,
                    }
                )
                assert kept >= printed, rows[-1]
                if ended:
                    break
                process = start("--resume", folder)
            if not ended:
                text, _ = process.communicate()
                assert process.returncode == 0, text
            assert outcome(folder) == expected[recipe], rows[-1]
            left, expected_files = (
                {path.name for path in place.iterdir()}
                for place in (folder, temporary / recipe)
            )
            assert left == expected_files, left
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_kills", type=int, nargs="?", default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = run(arguments.n_kills, arguments.seed)
    for row in rows:
        print(row)
    n_killed = sum(not row["ended before"] for row in rows)
    print(
        f"{n_killed} trainings killed; all ended with the bits of the one left alone."
    )


if __name__ == "__main__":
    main()
