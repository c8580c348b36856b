"""Import time of skmnist, compared with skorch and torch.

    python examples/benchmarks/imports.py

imports the packages in turn, `--rounds` times, each time in a new process, and prints
the median time of the whole process and its median ratio to the time of skorch.
"""

import functools
import statistics
import subprocess
import sys

from _common import make_parser, median_ratio, report, time_side_by_side

MODULES = ("torch", "skorch", "skmnist")


def run_import(module, _round):
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    contenders = {module: functools.partial(run_import, module) for module in MODULES}
    time_side_by_side(contenders, rounds=1)  # fills the file cache of the system
    seconds, _ = time_side_by_side(contenders, arguments.rounds)
    rows = [
        {
            "import": module,
            "seconds": round(statistics.median(seconds[module]), 2),
            "x skorch": round(median_ratio(seconds[module], seconds["skorch"]), 2),
        }
        for module in MODULES
    ]
    report(arguments, rows, seconds=seconds)


if __name__ == "__main__":
    main()
