"""Import times of torch, skorch and skmnist, and how soon the command answers.

    python examples/benchmarks/imports.py

runs each of the lines in turn, `--rounds` times, each time in a new process, and prints
the median time and the median processor time of the whole process, and its median ratio
to the time of skorch. The last line has an unknown option, which is an error.
"""

import functools
import os
import statistics
import subprocess
import sys

from _common import make_parser, median_ratio, report, time_side_by_side

IMPORTS = ("import torch", "import skorch", "from skmnist import MnistCNNClassifier")
COMMANDS = ("skmnist --help", "skmnist --version", "skmnist train --speed")


def run_process(arguments, exit_code, _round):
    """Run Python once; return the processor time of the process, in seconds."""
    before = processor_time_of_children()
    result = subprocess.run([sys.executable, *arguments], capture_output=True)
    if result.returncode != exit_code:
        raise RuntimeError(result.stderr.decode())
    return processor_time_of_children() - before


def processor_time_of_children():
    times = os.times()
    return times.children_user + times.children_system


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    contenders = {
        line: functools.partial(run_process, ["-c", line], 0) for line in IMPORTS
    }
    for line in COMMANDS:
        command, exit_code = ["-m", *line.split()], 2 if "--speed" in line else 0
        contenders[line] = functools.partial(run_process, command, exit_code)
    time_side_by_side(contenders, rounds=1)  # fills the file cache of the system
    seconds, processor = time_side_by_side(contenders, arguments.rounds)
    rows = [
        {
            "process": line,
            "seconds": round(statistics.median(seconds[line]), 2),
            "processor seconds": round(statistics.median(processor[line]), 2),
            "x skorch": round(median_ratio(seconds[line], seconds["import skorch"]), 2),
        }
        for line in contenders
    ]
    report(arguments, rows, seconds=seconds, processor_seconds=processor)


if __name__ == "__main__":
    main()
