"""Small data sets in the formats of the original files, and a server for them."""

import bz2
import dataclasses
import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torchvision.datasets
from scipy.io import savemat

from skmnist.datasets._table import DATASETS, Part

N_IMAGES = {"train": 30, "test": 20}

SHAPES = {"usps": (16, 16), "svhn": (3, 32, 32)} | dict.fromkeys(
    ("cifar10", "cifar100"), (3, 32, 32)
)
"""Shape of an image, where it is not (28, 28)."""

KEYS = [key for key in DATASETS if not key.startswith("emnist")]
KEYS += ["emnist_balanced", "emnist_letters"]
"""The data sets, with two of the six splits of EMNIST."""


def use_small_files(key, home, monkeypatch):
    """Write small files, and have their checksums in the table.

    Returns
    -------
    dict of str to tuple (images, labels)
        What a loader should return, by subset.
    """
    arrays = make_arrays(key)
    contents = make_contents(key, arrays)
    for path, content in contents.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    use_checksums(key, contents, monkeypatch)
    return arrays


def use_checksums(key, contents, monkeypatch):
    """Have the checksums of these contents in the table."""

    def update(files):
        return {
            path: hash_as(checksum, contents[path]) for path, checksum in files.items()
        }

    dataset = DATASETS[key]
    train, test = (
        [Part(part.read, update(part.files)) for part in parts]
        for parts in (dataset.train, dataset.test)
    )
    changed = dataclasses.replace(
        dataset, train=train, test=test, unread_files=update(dataset.unread_files)
    )
    monkeypatch.setitem(DATASETS, key, changed)


def hash_as(checksum, content):
    """Hash by the algorithm that made a checksum."""
    return hashlib.new({32: "md5", 64: "sha256"}[len(checksum)], content).hexdigest()


# Contents -----------------------------------------------------------------------------


def make_arrays(key):
    """Make random images and labels for both subsets."""
    rng = np.random.default_rng(0)
    shape = SHAPES.get(key, (28, 28))
    first = 1 if key == "emnist_letters" else 0
    n_classes = len(DATASETS[key].target_names) - first
    return {
        subset: (
            rng.integers(0, 256, (n, *shape), dtype=np.uint8),
            rng.permutation(n) % n_classes + first,
        )
        for subset, n in N_IMAGES.items()
    }


def make_contents(key, arrays):
    """Make the content of each file of a data set, by its path in `data_home`."""
    if key.startswith("emnist"):
        return _make_emnist(key.partition("_")[2], arrays)
    contents = {}
    for subset, (images, labels) in arrays.items():
        parts = DATASETS[key].parts[subset]
        for part, some, classes in zip(
            parts,
            np.split(images, len(parts)),
            np.split(labels, len(parts)),
            strict=True,
        ):
            encoded = ENCODERS.get(key, _encode_idx)(some, classes)
            contents |= zip(part.files, encoded, strict=True)
    meta = _pickle(b"label_names", _pickle_list(map(_pickle_text, [b"ant", b"bee"])))
    if key == "cifar100":
        meta = meta.replace(b"\x0blabel_names", b"\x10fine_label_names")
    return contents | dict.fromkeys(DATASETS[key].unread_files, meta)


def to_idx(array):
    """Return an array as the content of a file in the IDX format."""
    code = {"uint8": 8, "int32": 12}[array.dtype.name]
    header = struct.pack(">HBB", 0, code, array.ndim)
    header += struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def _encode_idx(images, labels):
    return to_idx(images), to_idx(labels.astype(np.uint8))


def _encode_gzipped_idx(images, labels):
    return map(gzip.compress, _encode_idx(images, labels))


def _encode_qmnist(images, labels):
    """The class is the first of eight numbers."""
    table = np.column_stack([labels, *np.arange(7 * len(labels)).reshape(7, -1)])
    return map(gzip.compress, (to_idx(images), to_idx(table.astype(np.int32))))


def _encode_usps(images, labels):
    """The numbers are in the middle of the interval that becomes the pixel."""
    pixels = np.minimum((images.reshape(len(images), -1) + 0.5) / 255 * 2 - 1, 1)
    lines = [
        " ".join([str(label + 1), *(f"{i}:{p:.6f}" for i, p in enumerate(row, 1))])
        for label, row in zip(labels, pixels, strict=True)
    ]
    return [bz2.compress(("\n".join(lines) + "\n").encode())]


def _encode_svhn(images, labels):
    file = io.BytesIO()
    y = np.where(labels == 0, 10, labels).astype(np.uint8).reshape(-1, 1)
    savemat(file, {"X": images.transpose(2, 3, 1, 0), "y": y}, do_compression=True)
    return [file.getvalue()]


def _encode_cifar(key):
    def encode(images, labels):
        integers = [b"K" + bytes([label]) for label in labels.tolist()]
        data = _pickle_array(images.reshape(len(images), -1))
        return [_pickle(b"data", data, key, _pickle_list(integers))]

    return encode


ENCODERS = {
    "kmnist": _encode_gzipped_idx,
    "qmnist": _encode_qmnist,
    "usps": _encode_usps,
    "svhn": _encode_svhn,
    "cifar10": _encode_cifar(b"labels"),
    "cifar100": _encode_cifar(b"fine_labels"),
}


def _make_emnist(split, arrays):
    """A zip file of gzipped files with transposed images."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for subset, (images, labels) in arrays.items():
            parts = _encode_gzipped_idx(images.transpose(0, 2, 1), labels)
            for kind, content in zip(
                ("images-idx3", "labels-idx1"), parts, strict=True
            ):
                name = f"gzip/emnist-{split}-{subset}-{kind}-ubyte.gz"
                members.writestr(name, content)
    return {"EMNIST/raw/gzip.zip": archive.getvalue()}


# Pickles as Python 2 and its NumPy wrote them, which those of today do not ------------


def _pickle(*items):
    """Pickle a dictionary: keys as bytes, values as parts of a pickle."""
    keys = map(_pickle_text, items[::2])
    pairs = zip(keys, items[1::2], strict=True)
    return b"\x80\x02}(" + b"".join(map(b"".join, pairs)) + b"u."


def _pickle_text(text):
    return b"U" + bytes([len(text)]) + text


def _pickle_list(items):
    return b"](" + b"".join(items) + b"e"


def _pickle_array(array):
    one, many = b"K\x01", b"J\xff\xff\xff\xff"
    shape = b"".join(b"J" + struct.pack("<i", length) for length in array.shape)
    return b"".join(
        [
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85",
            _pickle_text(b"b") + b"\x87R(" + one + shape + b"\x86cnumpy\ndtype\n",
            _pickle_text(b"u1") + b"K\x00" + one + b"\x87R(K\x03" + _pickle_text(b"|"),
            b"NNN" + many + many + b"K\x00tb\x89",
            b"T" + struct.pack("<I", array.nbytes) + array.tobytes() + b"tb",
        ]
    )


# Servers ------------------------------------------------------------------------------


@contextmanager
def serve_folder(folder):
    """Serve the files of a folder on this machine, and yield the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


def make_mirror(key, contents, folder, url, monkeypatch):
    """Put the downloads of a data set into a folder, and have torchvision use them.

    Returns
    -------
    type
        torchvision's class.
    """
    md5, downloads = {}, {}
    for path, content in contents.items():
        name = Path(path).name
        downloads[name] = content
        md5[name] = hash_as("0" * 32, content)
    split_list = {
        subset: [[url + name, name, md5[name]] for name in names]
        for subset, names in (
            (subset, [Path(path).name for part in parts for path in part.files])
            for subset, parts in DATASETS[key].parts.items()
        )
    }
    name = NAMES[key.partition("_")[0] if key.startswith("emnist") else key]
    dataset_class = getattr(torchvision.datasets, name)
    changes = {}
    if key in ("mnist", "fashion_mnist"):
        downloads = {f"{n}.gz": gzip.compress(c) for n, c in downloads.items()}
    if key in ("mnist", "fashion_mnist", "kmnist"):
        sums = [(name, hash_as("0" * 32, c)) for name, c in downloads.items()]
        changes = {"mirrors": [url], "resources": sums}
    elif key.startswith("emnist"):
        changes = {"url": url + "gzip.zip", "md5": md5["gzip.zip"]}
    elif key == "qmnist":
        changes["resources"] = {
            subset: [(address, md5) for address, _, md5 in entries]
            for subset, entries in split_list.items()
        }
    elif key in ("usps", "svhn"):
        changes["split_list"] = {k: entries[0] for k, entries in split_list.items()}
    else:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for path, content in contents.items():
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        downloads = {dataset_class.filename: archive.getvalue()}
        changes = {f"{k}_list": [e[1:] for e in v] for k, v in split_list.items()}
        changes["url"] = url + dataset_class.filename
        changes["tgz_md5"] = hash_as("0" * 32, archive.getvalue())
        meta = dataset_class.meta
        changes["meta"] = {**meta, "md5": md5[meta["filename"]]}
    for attribute, value in changes.items():
        monkeypatch.setattr(dataset_class, attribute, value)
    for name, content in downloads.items():
        (folder / name).write_bytes(content)
    return dataset_class


NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "emnist": "EMNIST",
    "qmnist": "QMNIST",
    "usps": "USPS",
    "svhn": "SVHN",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
}
"""torchvision's class of each data set."""
