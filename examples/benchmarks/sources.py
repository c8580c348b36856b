"""Time of an epoch from containers that are not in memory.

    python examples/benchmarks/sources.py

trains `MnistCNNClassifier` for one epoch on the same digits in memory, in a memory map,
in an HDF5 file and as pictures in folders, and prints the median time of the epoch and
the median of its ratio, in the same round, to that from memory. Everything is in the
page cache of the system. The pictures, PNG files, are read by a `Dataset` with
`--workers` processes of torch's `DataLoader`; `DataLoader alone` reads the same batches
without training, so that an epoch of pictures takes at least as long.
"""

import statistics
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import sklearn
from _common import load_digits, make_parser, median_ratio, report, time_side_by_side
from PIL import Image
from torch.utils.data import DataLoader

from skmnist import MnistCNNClassifier
from skmnist.datasets import load_image_folder


def write_pictures(folder, images, labels):
    """Write a PNG file for each image into the folder of its class."""
    for label in set(labels.tolist()):
        (folder / str(label)).mkdir(parents=True)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / str(label) / f"{i:05}.png")
    return load_image_folder(folder, lazy=True)


def deliver(images, batch_size, workers):
    """Read all images in batches by torch's DataLoader, and return the seconds."""
    begin = time.perf_counter()
    loader = DataLoader(
        images, batch_size=batch_size, shuffle=True, num_workers=workers
    )
    assert sum(len(batch) for batch in loader) == len(images)
    return time.perf_counter() - begin


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    X, _, y, _ = load_digits(arguments)
    images = X.reshape(-1, 28, 28)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.save(folder / "images.npy", images)
        with h5py.File(folder / "images.h5", "w") as file:
            file["images"] = images
        pictures = write_pictures(folder / "pictures", images, y)

        def train(X, y=y, **parameters):
            """Train for an epoch, and return its seconds."""
            clf = MnistCNNClassifier(max_epochs=1, random_state=0, **parameters)
            with sklearn.config_context(working_memory=0):
                clf.fit(X, y)
            return clf.history[-1, "dur"], clf

        workers = {"iterator_train__num_workers": arguments.workers}
        memory_map = np.load(folder / "images.npy", mmap_mode="r")
        size = train(images)[1].get_iterator(images, training=True).batch_size
        with h5py.File(folder / "images.h5") as file:
            contenders = {
                "memory": lambda _: train(images)[0],
                "memory map": lambda _: train(memory_map)[0],
                "HDF5 file": lambda _: train(file["images"])[0],
                "pictures": lambda _: train(
                    pictures.images, pictures.images.labels, **workers
                )[0],
                "DataLoader alone": lambda _: deliver(
                    pictures.images, size, arguments.workers
                ),
            }
            _, seconds = time_side_by_side(contenders, arguments.rounds)
    rows = [
        {
            "images from": name,
            "seconds of epoch": round(statistics.median(times), 2),
            "images/s": round(len(images) / statistics.median(times)),
            "x memory": round(median_ratio(times, seconds["memory"]), 2),
        }
        for name, times in seconds.items()
    ]
    report(arguments, rows)


if __name__ == "__main__":
    main()
