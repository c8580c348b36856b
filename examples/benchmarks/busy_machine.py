"""Training while other programs keep all cores busy, and while none does.

    python examples/benchmarks/busy_machine.py

trains epochs of 4,000 digits of the sample in processes with different settings of
OpenMP, the library that distributes torch's work over threads, in turn: `--rounds`
epochs each on the quiet machine, and then as many beside one endless loop for each
core.
"""

import contextlib
import functools
import os
import statistics
import subprocess
import sys

from _common import make_parser, report, time_side_by_side

CORES = os.cpu_count()

SETTINGS = {
    (threads, policy): {"OMP_NUM_THREADS": str(threads), **variables}
    for threads in dict.fromkeys((1, CORES))
    for policy, variables in (
        ("", {}),
        ("PASSIVE", {"OMP_WAIT_POLICY": "PASSIVE"}),
    )
}
"""Environment variables by the number of threads and OMP_WAIT_POLICY."""

TRAIN_ON_REQUEST = """
import sys
from skmnist import MnistCNNClassifier
from skmnist.datasets import load_mnist_sample
X, y = load_mnist_sample(subset="train", return_X_y=True)
X, y = X[:int(sys.argv[1])], y[:int(sys.argv[1])]
for line in sys.stdin:
    MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    print("trained", flush=True)
"""

LOOP = """
import os
parent = os.getppid()
while os.getppid() == parent:
    pass
"""


def train(process, _round=None):
    """Let a process train one epoch."""
    process.stdin.write("train\n")
    process.stdin.flush()
    if process.stdout.readline() != "trained\n":
        raise RuntimeError("A process ended instead of training.")


def start(stack, *arguments, **variables):
    """Start Python, with pipes to it, until the stack is closed."""
    environment = {k: v for k, v in os.environ.items() if k[:4] not in ("OMP_", "GOMP")}
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, **variables},
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--train-images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    n_images, rows, seconds = str(arguments.train_images), [], {}
    with contextlib.ExitStack() as stack:
        trainings = {
            setting: start(stack, TRAIN_ON_REQUEST, n_images, **variables)
            for setting, variables in SETTINGS.items()
        }
        for process in trainings.values():
            train(process)  # the first loads parts of torch
        contenders = {k: functools.partial(train, p) for k, p in trainings.items()}
        for machine in ("quiet", "busy"):
            if machine == "busy":
                for _ in range(CORES):
                    start(stack, LOOP)
            timings, _ = time_side_by_side(contenders, arguments.rounds)
            for (threads, policy), values in timings.items():
                row = {"machine": machine, "threads": threads, "policy": policy}
                seconds[f"{machine}, {threads} threads, {policy or 'unset'}"] = values
                for name in (min, statistics.median, max):
                    row[f"{name.__name__}, s"] = round(name(values), 2)
                rows.append(row)
                print(row, flush=True)
    report(arguments, rows, seconds=seconds)


if __name__ == "__main__":
    main()
