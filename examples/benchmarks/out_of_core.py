"""Training on 8.1 million digits in a file, without reading it into memory.

    python examples/benchmarks/out_of_core.py --folder FOLDER

writes 135 deformed versions of each training digit, 6.4 GB, and trains
`MnistCNNClassifier` on the memory map of this file for one epoch. The digits are those
of `_deformed_digits.py`, from a seed. The files `images.npy` and `labels.npy` stay in
`--folder`, and the next run uses them again after comparing parts of them with the
stream; without this option, they are in a temporary folder that is removed.

Each training runs in a new process: one on the file, and one before and one after it on
the first `--in-memory` images, read into memory. `x in memory` is the time of an image
relative to the mean of these two. Memory is the peak of the anonymous memory of the
process during `fit` minus that before it, when all modules have been imported and the
images in memory have been read; pages of the file belong to the system, which can take
them away at any time. It is measured on Linux only.

With `--held-out`, the digits are made from five sixths of the training digits, and the
accuracy is that on the others, to select a deformation and a recipe.
"""

import multiprocessing
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from _common import load_digits, make_parser, read_memory, report
from _deformed_digits import CHUNK, DeformedDigits
from sklearn.model_selection import train_test_split

from skmnist import MnistCNNClassifier
from skmnist._safe_file import replace_atomically

INTERVAL = 0.01
"""Seconds between two readings of the memory."""


class PeakAnonymousMemory:
    """Context manager that watches the anonymous memory of this process in a thread.

    Attributes
    ----------
    rise : float or None
        Peak within the block minus the memory at its beginning, in megabytes (10^6
        bytes). None on systems other than Linux.
    """

    def __enter__(self):
        self.rise = None
        self._before = self._peak = read_memory("RssAnon")
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        if self._before is not None:
            self._watcher.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        if self._before is not None:
            self._watcher.join()
            self.rise = self._peak - self._before

    def _watch(self):
        while not self._ended.wait(INTERVAL):
            self._peak = max(self._peak, read_memory("RssAnon"))


def write_files(folder, stream, n_images):
    """Write images and labels, unless a former run did.

    Parameters
    ----------
    folder : Path
    stream : DeformedDigits
    n_images : int

    Returns
    -------
    images, labels : Path

    Raises
    ------
    OSError
        If the disk has too little space, or becomes full. No file is left then.
    ValueError
        If the files of the former run hold other digits.
    """
    images, labels = folder / "images.npy", folder / "labels.npy"
    if images.exists() and labels.exists():
        _compare(images, labels, stream, n_images)
        return images, labels
    size, free = n_images * stream.X.shape[1], shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            f"Got {n_images:,} images, which take {size / 1e9:.1f} GB, but {folder} "
            f"has {free / 1e9:.1f} GB of free space. Pass fewer --images, or a "
            "--folder on another disk."
        )
    begin = time.perf_counter()
    try:
        with replace_atomically(labels) as path:
            np.save(path, stream.make_labels(n_images))
            with replace_atomically(images) as path, open(path, "wb") as file:
                stream.write(file, n_images)
    except OSError as error:
        raise OSError(
            f"{images} could not be written ({error.strerror}) and was removed. It "
            f"takes {size / 1e9:.1f} GB. Pass fewer --images, or a --folder on another "
            "disk."
        ) from error
    seconds = time.perf_counter() - begin
    print(f"{n_images:,} images, {size / 1e9:.1f} GB, written in {seconds:.0f} s")
    return images, labels


def _compare(images, labels, stream, n_images):
    """Raise an error unless files hold the beginning of the stream."""
    X, y = np.load(images, mmap_mode="r"), np.load(labels, mmap_mode="r")
    chunks = {0, n_images // CHUNK // 2, (n_images - 1) // CHUNK}
    if not (
        X.shape == (n_images, stream.X.shape[1])
        and np.array_equal(y, stream.make_labels(n_images))
        and all(_holds(X, stream.make_chunk(k), k * CHUNK) for k in chunks)
    ):
        raise ValueError(
            f"Got {images}, which does not hold the {n_images:,} images of this run. "
            "Pass another --folder, or remove the file."
        )


def _holds(X, chunk, start):
    part = X[start : start + CHUNK]
    return np.array_equal(part, chunk[: len(part)])


def train(images, labels, n_in_memory, X_test, y_test, seed):
    """Train for one epoch in this process, which should be a new one.

    Parameters
    ----------
    images, labels : Path
    n_in_memory : int or None
        How many images to read into memory; None for all, from the file.
    X_test, y_test : ndarray
    seed : int

    Returns
    -------
    dict
        Row of the table.
    """
    X, y = (np.load(path, mmap_mode="r") for path in (images, labels))
    if n_in_memory is not None:
        X, y = np.array(X[:n_in_memory]), np.array(y[:n_in_memory])
    clf = MnistCNNClassifier(
        max_epochs=1, lr=0.002, module__dropout=0.3, random_state=seed
    )
    with PeakAnonymousMemory() as memory:
        begin = time.perf_counter()
        clf.fit(X, y)
        seconds = time.perf_counter() - begin
    return {
        "images": "memory map" if n_in_memory is None else "in memory",
        "number": len(X),
        "GB": round(X.nbytes / 1e9, 2),
        "fit, s": round(seconds, 1),
        "us per image": round(1e6 * seconds / len(X), 2),
        "memory, MB": None if memory.rise is None else round(memory.rise),
        "accuracy_%": round(100 * clf.score(X_test, y_test), 2),
    }


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--images", type=int, default=8_100_000)
    parser.add_argument("--in-memory", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="an existing folder for the file")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    n_images, n_in_memory = arguments.images, arguments.in_memory
    if not 0 < n_in_memory <= n_images:
        parser.error("expected 0 < --in-memory <= --images")
    if arguments.folder is not None and not arguments.folder.is_dir():
        parser.error(f"there is no folder {arguments.folder}: create it first")
    X, X_test, y, y_test = load_digits(arguments)
    if arguments.held_out:
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=1 / 6, stratify=y, random_state=0
        )
    stream = DeformedDigits(X, y, arguments.seed)

    with tempfile.TemporaryDirectory() as temporary:
        try:
            paths = write_files(arguments.folder or Path(temporary), stream, n_images)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        rows = []
        for n in (n_in_memory, None, n_in_memory):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                task = (train, *paths, n, X_test, y_test, arguments.seed)
                rows.append(pool.submit(*task).result())
    per_image = statistics.mean(row["us per image"] for row in rows[::2])
    for row in rows:
        row["x in memory"] = round(row["us per image"] / per_image, 2)
    report(arguments, rows)


if __name__ == "__main__":
    main()
