"""How time and memory of `fit` grow with the number of digits.

    python examples/benchmarks/scaling.py

fits one epoch on `--sizes` digits (the training digits over and over, where there are
not so many), each in a process of its own, and prints the time, and by how much `fit`
raises the resident memory at its peak over what is there before it: torch, and the
digits themselves. Memory is measured on Linux only.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from _common import PeakMemory, load_digits, make_parser, report

from skmnist import MnistCNNClassifier


def fit(n_images, arguments):
    """Return the number of images, bytes of the digits, seconds, and memory in MB."""
    X, _, y, _ = load_digits(arguments)
    MnistCNNClassifier(max_epochs=1).fit(X[:640], y[:640])  # torch's lazy imports
    chosen = np.arange(n_images) % len(X)
    X, y = X[chosen], y[chosen]
    clf = MnistCNNClassifier(max_epochs=1, random_state=0)
    with PeakMemory() as memory:
        begin = time.perf_counter()
        clf.fit(X, y)
        seconds = time.perf_counter() - begin
    return {
        "images": n_images,
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
