"""Kill trainings at random moments, resume them, and compare the results.

    python tests/cli/kill_and_resume.py 20

starts `skmnist train` on the sample, kills it (SIGKILL) at a random moment between its
first file and its end, resumes it with `--resume`, kills every other resumed training
once more, and compares the result with that of an uninterrupted training: weights,
history and report agree bit for bit, except for times.
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
from skmnist.callbacks import TrainingCheckpoint

RECIPES = ("default", "article", "digits")


def start(*arguments):
    """Start the command with one thread, so that all results are comparable."""
    return subprocess.Popen(
        [sys.executable, "-m", "skmnist", "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )


def load_results(folder):
    """Load what a training has written, without times."""
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
    """Kill a training some time after its first file appeared.

    Returns
    -------
    n_printed : int
        The last epoch that it printed.
    n_saved : int
        Finished epochs in the checkpoint.
    finished : bool
        Whether the training had finished before.
    """
    path = folder / "training.json"
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    process.kill()
    text, _ = process.communicate()
    lines = [line.split()[1] for line in text.splitlines() if "  epoch " in line]
    n_printed = int(lines[-1].split("/")[0]) if lines else 0
    if not path.exists():
        return n_printed, n_printed, True
    n_saved = TrainingCheckpoint(folder / "training.safetensors").n_epochs
    return n_printed, n_saved, False


def run(n_kills, seed, recipes=RECIPES, epochs=4):
    """Kill `n_kills` trainings and resume them.

    Returns
    -------
    list of dict
        A row for each kill.

    Raises
    ------
    AssertionError
        If a training lost a finished epoch, or its result differs.
    """
    generator = random.Random(seed)
    torch.set_num_threads(1)
    rows, expected, duration = [], {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        temporary = Path(temporary)
        while sum(not row["finished"] for row in rows) < n_kills:
            recipe = recipes[len(rows) % len(recipes)]
            command = ["--recipe", recipe, "--epochs", epochs, "--batch-size", 128]
            command.append("--no-numbers")
            if recipe not in expected:
                uninterrupted = temporary / recipe
                process = start(*command, "--out", uninterrupted)
                while not (uninterrupted / "training.json").exists():
                    assert process.poll() is None, process.communicate()[0]
                    time.sleep(0.01)
                begin = time.monotonic()
                text, _ = process.communicate()
                assert process.returncode == 0, text
                duration[recipe] = time.monotonic() - begin
                expected[recipe] = load_results(uninterrupted)
            folder = temporary / f"killed-{len(rows)}"
            process = start(*command, "--out", folder)
            for _ in range(2 - len(rows) % 2):
                seconds = generator.uniform(0, duration[recipe])
                n_printed, n_saved, finished = kill_once(process, folder, seconds)
                rows.append(
                    {
                        "recipe": recipe,
                        "seconds": round(seconds, 2),
                        "epochs printed": n_printed,
                        "epochs saved": n_saved,
                        "finished": finished,
                    }
                )
                assert n_saved >= n_printed, rows[-1]
                if finished:
                    break
                process = start("--resume", folder)
            if not finished:
                text, _ = process.communicate()
                assert process.returncode == 0, text
            assert load_results(folder) == expected[recipe], rows[-1]
            files, expected_files = (
                {path.name for path in place.iterdir()}
                for place in (folder, temporary / recipe)
            )
            assert files == expected_files, files
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_kills", type=int, nargs="?", default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = run(arguments.n_kills, arguments.seed)
    for row in rows:
        print(row)
    n_killed = sum(not row["finished"] for row in rows)
    print(
        f"{n_killed} trainings killed and resumed; all results equal those of "
        "uninterrupted trainings."
    )


if __name__ == "__main__":
    main()
