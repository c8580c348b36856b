"""Time of an epoch from containers that are not in memory.

    python examples/benchmarks/sources.py

trains `MnistCNNClassifier` for one epoch on the same digits in memory, in a memory map,
in an HDF5 file and as pictures in folders, and prints the median time of the epoch and
the median of its ratio, in the same round, to that from memory. Everything is in the
page cache of the system. The pictures, PNG files, are read by `--workers` processes of
torch's `DataLoader`. `DataLoader alone` reads torchvision's `ImageFolder` of them in
the same batches without training, and `DataLoader and hand-written loop` trains on
these with torch alone: what torch delivers while the processor also trains.
"""

import statistics
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import sklearn
from _common import (
    load_digits,
    make_parser,
    median_ratio,
    report,
    resolve_auto,
    time_side_by_side,
)
from _hand_written_loop import BATCH_SIZE, train_by_hand
from _networks import FastNetwork
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from skmnist import MnistCNNClassifier
from skmnist.datasets import load_image_folder


def write_pictures(folder, images, labels):
    """Write a PNG file for each image into the folder of its class."""
    for label in set(labels.tolist()):
        (folder / str(label)).mkdir(parents=True)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / str(label) / f"{i:05}.png")
    return load_image_folder(folder, lazy=True)


def deliver(folder, workers):
    """Iterate over batches of torchvision's ImageFolder, read by torch's DataLoader."""
    to_pixels = transforms.Compose([transforms.Grayscale(), transforms.PILToTensor()])
    return DataLoader(
        ImageFolder(folder, to_pixels),
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
    )


def read_alone(folder, workers):
    """Return the seconds of reading all pictures."""
    begin = time.perf_counter()
    for _ in deliver(folder, workers):
        pass
    return time.perf_counter() - begin


def train_with_torch(folder, workers, device, precision):
    """Return the seconds of an epoch of the hand-written loop."""
    loader = deliver(folder, workers)
    network = FastNetwork().to(device)
    begin = time.perf_counter()
    batches = ((images.to(device), target.to(device)) for images, target in loader)
    train_by_hand(network, batches, len(loader), precision)
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
            return clf.history[-1, "dur"]

        workers = {"iterator_train__num_workers": arguments.workers}
        memory_map = np.load(folder / "images.npy", mmap_mode="r")
        with h5py.File(folder / "images.h5") as file:
            contenders = {
                "memory": lambda _: train(images),
                "memory map": lambda _: train(memory_map),
                "HDF5 file": lambda _: train(file["images"]),
                "pictures": lambda _: train(
                    pictures.images, pictures.images.labels, **workers
                ),
                "DataLoader and hand-written loop": lambda _: train_with_torch(
                    folder / "pictures", arguments.workers, *resolve_auto()
                ),
                "DataLoader alone": lambda _: read_alone(
                    folder / "pictures", arguments.workers
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
