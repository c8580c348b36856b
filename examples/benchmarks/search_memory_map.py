"""A search over a memory map that is larger than the memory of the process.

    python examples/benchmarks/search_memory_map.py

writes 4 GiB of digits (`--gib`), copies of those of `--data`, to a temporary file. It
limits the memory for data of this process and of its workers to 2 GiB (`--limit`), as
`ulimit -d` does, and compares two learning rates of a small network by `GridSearchCV`
with `n_jobs=2`. X is `LazyImages` of the memory map. Only Linux enforces the limit.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import load_digits, make_parser, report
from sklearn.model_selection import GridSearchCV

from skmnist import MnistCNNClassifier
from skmnist.datasets import LazyImages

GIB = 2**30

CHUNK = 50_000
"""Images that are written at a time."""


def write_images(path, digits, labels, n_bytes):
    """Write random copies of digits, and return their labels."""
    rng = np.random.default_rng(0)
    shape = (int(n_bytes // digits[0].nbytes), *digits.shape[1:])
    chosen = rng.integers(len(digits), size=shape[0], dtype=np.int32)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=digits.dtype, shape=shape)
    for start in range(0, len(chosen), CHUNK):
        file[start : start + CHUNK] = digits[chosen[start : start + CHUNK]]
    file.flush()
    return labels[chosen].astype(np.uint8)


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--gib", type=float, default=4, help="size of the file")
    parser.add_argument("--limit", type=float, default=2, help="memory for data in GiB")
    arguments = parser.parse_args()
    X, _, y, _ = load_digits(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        labels = write_images(path, X.reshape(-1, 28, 28), y, arguments.gib * GIB)
        limit = int(arguments.limit * GIB)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        images = LazyImages(np.load(path, mmap_mode="r"), labels=labels)
        clf = MnistCNNClassifier(
            module__channels=(2, 4),
            module__hidden_units=8,
            batch_size=2048,
            max_epochs=1,
            random_state=0,
        )
        begin = time.perf_counter()
        grid = {"lr": [0.004, 0.016]}
        search = GridSearchCV(
            clf,
            grid,
            cv=2,
            n_jobs=2,
            refit=False,
            error_score="raise",
        ).fit(images, images.labels)
        seconds = time.perf_counter() - begin
        results = search.cv_results_
        rows = [
            {
                "lr": parameters["lr"],
                "accuracy_%": round(100 * score, 2),
                "images": len(images),
                "file GiB": round(images.nbytes / GIB, 3),
                "limit GiB": arguments.limit,
                "seconds of search": round(seconds, 1),
            }
            for parameters, score in zip(
                results["params"], results["mean_test_score"], strict=True
            )
        ]
    report(arguments, rows)


if __name__ == "__main__":
    main()
