"""Time and memory of `fit` for different numbers of digits.

    python examples/benchmarks/scaling.py

trains for one epoch on each of `--sizes` digits (repeating the training digits if there
are fewer), each time in a new process. It prints the training time and the peak of the
resident memory during `fit`, minus the memory in use before it (torch and the digits).
Memory is measured on Linux only. With fewer than 16,384 digits, `batch_size="auto"`
makes smaller batches, which take longer per digit.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from _common import PeakMemory, load_digits, make_parser, report

from skmnist import MnistCNNClassifier


def fit(n_images, arguments):
    """Train on a number of images and return a row of the table."""
    X, _, y, _ = load_digits(arguments)
    # the first fit in a process loads parts of torch
    MnistCNNClassifier(max_epochs=1).fit(X[:640], y[:640])
    chosen = np.arange(n_images) % len(X)
    X, y = X[chosen], y[chosen]
    clf = MnistCNNClassifier(max_epochs=1, random_state=0)
    with PeakMemory() as memory:
        begin = time.perf_counter()
        clf.fit(X, y)
        seconds = time.perf_counter() - begin
    return {
        "images": n_images,
        "images per batch": clf.history[0, "batches", 0, "train_batch_size"],
        "data, MB": round(X.nbytes / 1e6, 1),
        "fit, s": round(seconds, 2),
        "us per image": round(1e6 * seconds / n_images),
        "memory, MB": None if memory.rise is None else round(memory.rise, 1),
    }


def main():
    parser = make_parser(__doc__)
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[6000, 15_000, 30_000, 60_000, 120_000, 240_000],
    )
    arguments = parser.parse_args()
    rows = []
    for n_images in arguments.sizes:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            rows.append(pool.submit(fit, n_images, arguments).result())
    report(arguments, rows)


if __name__ == "__main__":
    main()
