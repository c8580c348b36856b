"""Common parts of the benchmarks: arguments, data, timing, table and JSON file."""

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

import numpy as np
import pandas
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_mnist, load_mnist_sample

PAUSE = 0.3
"""Seconds before each call, so that the threads of the previous call are idle."""

MATRIX_SIZE = 2048
MATRIX_PRODUCTS = 20

PACKAGES = ("skmnist", "torch", "skorch", "scikit-learn", "numpy")


def make_parser(doc, data=True):
    """Make a parser with the arguments that the benchmarks have in common.

    Parameters
    ----------
    doc : str
        Text of `--help`.
    data : bool, default=True
        Whether the benchmark uses the digits.

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
            help="the full MNIST, or the sample of 5,000 digits (default: %(default)s)",
        )
        for part in ("train", "test"):
            parser.add_argument(
                f"--{part}-images", type=int, help=f"use only this many {part} digits"
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


def resolve_auto():
    """Return the device and the precision that "auto" resolves to on this machine."""
    clf = MnistCNNClassifier(max_epochs=1).fit(np.zeros((2, 4)), [0, 1])
    return clf.device_, clf.precision_


def time_side_by_side(contenders, rounds, warm_ups=None):
    """Time functions in turn, so that other load on the machine affects all of them.

    Parameters
    ----------
    contenders : dict of str to callable
        Functions that take the number of the round, from 0.
    rounds : int
        How many times each function is called.
    warm_ups : dict of str to callable, default=None
        Called without arguments before each timing; they wake the threads.

    Returns
    -------
    seconds : dict of str to list of float
        Duration of each call.
    results : dict of str to list
        Return value of each call.
    """
    seconds, results = ({name: [] for name in contenders} for _ in range(2))
    for number in range(rounds):
        for name, function in contenders.items():
            time.sleep(PAUSE)
            if warm_ups is not None:
                warm_ups[name]()
            begin = time.perf_counter()
            result = function(number)
            seconds[name].append(time.perf_counter() - begin)
            results[name].append(result)
    return seconds, results


def median_ratio(over, under):
    """Return the median over the rounds of the ratio of two lists."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def measure_peak(dtype, device):
    """Return the highest rate of a product of matrices, in FLOP/s."""
    left, right = torch.rand(2, MATRIX_SIZE, MATRIX_SIZE, device=device).to(dtype)
    seconds = []
    for _ in range(MATRIX_PRODUCTS):
        begin = time.perf_counter()
        (left @ right)[0, 0].item()  # waits for the device
        seconds.append(time.perf_counter() - begin)
    return 2 * MATRIX_SIZE**3 / min(seconds)


def count_operations(network, image_shape, n_images=16):
    """Return the FLOP of training a network on one image."""
    with FlopCounterMode(display=False) as counter:
        output = network(torch.zeros(n_images, *image_shape))
        F.nll_loss(output, torch.zeros(n_images, dtype=torch.int64)).backward()
    return counter.get_total_flops() / n_images


class PeakMemory:
    """Context manager that measures the peak of the resident memory of this process.

    Attributes
    ----------
    rise : float or None
        Peak within the block minus the resident memory at its beginning, in megabytes
        (10^6 bytes). None on systems other than Linux.
    """

    def __enter__(self):
        self.rise = None
        self._before = read_memory("VmRSS")
        if self._before is not None:
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        return self

    def __exit__(self, *exception):
        if self._before is not None:
            self.rise = read_memory("VmHWM") - self._before


def read_memory(name):
    """Return an entry of Linux's /proc/self/status in megabytes (10^6 bytes).

    Parameters
    ----------
    name : {"VmRSS", "VmHWM", "RssAnon"}
        Resident memory of this process, its peak, or its anonymous part.

    Returns
    -------
    float or None
        None on systems other than Linux.
    """
    if sys.platform != "linux":
        return None
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6  # the file counts in KiB
    raise OSError(f"/proc/self/status does not have {name}")


def report(arguments, rows, **further):
    """Print the results as a table and write them to a JSON file.

    Parameters
    ----------
    arguments : argparse.Namespace
        Arguments of the benchmark; `out` is the file.
    rows : list of dict
        Rows of the table, with the same keys and rounded numbers.
    **further
        Further entries of the file.
    """
    device, precision = resolve_auto()
    machine = {
        "processor": _name_processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "precision_auto": precision,
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
    """Return the name of the processor, as far as the system provides it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
