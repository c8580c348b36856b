"""The same images in every kind of container that the classifiers take as X."""

import dask.array
import datasets
import h5py
import numpy as np
import pandas as pd
import polars as pl
import torch
import zarr
from PIL import Image
from skorch.helper import SliceDataset
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms.v2 import functional


class Pairs(Dataset):
    """A data set as users write it: items are (image, label)."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return torch.from_numpy(self.images[index]), int(self.labels[index])


def write_npy(images, folder):
    np.save(folder / "images.npy", images)
    return folder / "images.npy"


def write_hdf5(images, folder):
    with h5py.File(folder / "images.h5", "w") as file:
        file["digits/images"] = images
    return h5py.File(folder / "images.h5", "r")["digits/images"]


def write_zarr(images, folder):
    path = folder / "images.zarr"
    array = zarr.create_array(
        path, shape=images.shape, chunks=(16, *images.shape[1:]), dtype=images.dtype
    )
    array[:] = images
    return zarr.open_array(path, mode="r")


def write_folder(images, labels, folder):
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "pictures" / str(label)
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / f"{i:04}.png")
    return folder / "pictures"


def to_grey(image):
    return functional.pil_to_tensor(image.convert("L"))


def make_hugging_face(images, labels):
    pictures = {"image": to_pictures(images), "label": labels.tolist()}
    dataset = datasets.Dataset.from_dict(pictures)
    return dataset.cast_column("image", datasets.Image())


def to_pictures(images):
    return [Image.fromarray(image) for image in images]


CONTAINERS = {
    "read-only array": lambda X, y, folder: np.frombuffer(X.tobytes(), X.dtype).reshape(
        X.shape
    ),
    "memory map": lambda X, y, folder: np.load(write_npy(X, folder), mmap_mode="r"),
    "part of a memory map": lambda X, y, folder: np.load(
        write_npy(np.concatenate([X[::-1], X]), folder), mmap_mode="r"
    )[len(X) :],
    "h5py": lambda X, y, folder: write_hdf5(X, folder),
    "zarr": lambda X, y, folder: write_zarr(X, folder),
    "dask": lambda X, y, folder: dask.array.from_array(X, chunks=(32, -1, -1)),
    "tensor": lambda X, y, folder: torch.from_numpy(X.copy()),
    "Dataset": lambda X, y, folder: Pairs(X, y),
    "Subset": lambda X, y, folder: Subset(
        Pairs(np.concatenate([X[::-1], X]), np.concatenate([y[::-1], y])),
        range(len(X), 2 * len(X)),
    ),
    "ConcatDataset": lambda X, y, folder: ConcatDataset(
        [Pairs(X[:30], y[:30]), Pairs(X[30:], y[30:])]
    ),
    "TensorDataset": lambda X, y, folder: TensorDataset(
        torch.from_numpy(X.copy()), torch.from_numpy(y)
    ),
    "ImageFolder": lambda X, y, folder: ImageFolder(
        write_folder(X, y, folder), transform=to_grey
    ),
    "SliceDataset": lambda X, y, folder: SliceDataset(Pairs(X, y)),
    "Hugging Face column": lambda X, y, folder: make_hugging_face(X, y)["image"],
    "PIL images": lambda X, y, folder: to_pictures(X),
    "pandas column": lambda X, y, folder: pd.Series(list(X)),
    "polars Array": lambda X, y, folder: pl.Series(
        list(X), dtype=pl.Array(pl.UInt8, X.shape[1:])
    ),
    "polars List": lambda X, y, folder: pl.Series(
        X.tolist(), dtype=pl.List(pl.List(pl.UInt8))
    ),
}
"""Function of images (n, height, width), labels (n,) sorted, and a folder, by name."""

WITH_LABELS = {
    *("Dataset", "Subset", "ConcatDataset", "TensorDataset", "ImageFolder"),
}
"""Containers that know the labels of their images."""
