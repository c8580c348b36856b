"""Accuracy of both networks on other data sets of images.

    python examples/benchmarks/beyond_mnist.py --data fashion-mnist
    python examples/benchmarks/beyond_mnist.py --data FOLDER --only resnet

FOLDER contains the folders `train` and `test`, with a folder of pictures of the same
size for each class. The benchmark trains each classifier once for each of `--seeds` and
prints the accuracy on the test images, or, with `--held-out`, on a sixth of the
training images that it holds out: recipes are selected by these alone.

cnn           `MnistCNNClassifier.with_photos_recipe()` for images that may be mirrored
              (fashion-mnist, cifar10, cifar100 and folders), otherwise
              `MnistCNNClassifier.with_digits_recipe()`
resnet        `ResNetClassifier()` or `ResNetClassifier.with_digits_recipe()`
small-resnet  `ResNetClassifier(module__channels=(32, 64, 160))`, 0.4 million weights;
              only for images that may be mirrored
"""

import argparse
import statistics
import time
from functools import partial
from pathlib import Path

import torch
from _common import make_parser, report
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from torchvision.datasets import ImageFolder

import skmnist.datasets
from skmnist import MnistCNNClassifier, ResNetClassifier

DIGITS = ("sample", "mnist", "kmnist", "emnist", "qmnist", "usps", "svhn")
PHOTOS = ("fashion-mnist", "cifar10", "cifar100")

CLASSIFIERS = {
    "digits": {
        "cnn": MnistCNNClassifier.with_digits_recipe,
        "resnet": ResNetClassifier.with_digits_recipe,
    },
    "photos": {
        "cnn": MnistCNNClassifier.with_photos_recipe,
        "resnet": ResNetClassifier,
        "small-resnet": partial(ResNetClassifier, module__channels=(32, 64, 160)),
    },
}


def data_or_folder(text):
    """Return the name of a data set, or a folder as a `Path`."""
    if text in DIGITS + PHOTOS:
        return text
    if not (Path(text) / "train").is_dir():
        raise argparse.ArgumentTypeError(
            f"Got {text}, expected one of {', '.join(DIGITS + PHOTOS)}, or a folder "
            "with the folders train and test."
        )
    return Path(text)


def load_images(data, subset):
    """Return the images (n, [channels,] height, width) and labels of a data set."""
    if isinstance(data, Path):
        return skmnist.datasets.dataset_to_arrays(ImageFolder(data / subset))
    kind = "load" if data == "sample" else "fetch"
    name = "mnist_sample" if data == "sample" else data.replace("-", "_")
    bunch = getattr(skmnist.datasets, f"{kind}_{name}")(subset=subset)
    return bunch.images, bunch.target


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--data", type=data_or_folder, required=True)
    parser.add_argument("--only", nargs="+", choices=CLASSIFIERS["photos"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="epochs of each training")
    parser.add_argument("--held-out", action="store_true")
    for part in ("train", "test"):
        parser.add_argument(
            f"--{part}-images", type=int, help=f"use only this many {part} images"
        )
    arguments = parser.parse_args()
    X, y = load_images(arguments.data, "train")
    if arguments.held_out:
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=1 / 6, stratify=y, random_state=0
        )
    else:
        X_test, y_test = load_images(arguments.data, "test")
    X, y = X[: arguments.train_images], y[: arguments.train_images]
    X_test, y_test = X_test[: arguments.test_images], y_test[: arguments.test_images]

    classifiers = CLASSIFIERS["digits" if arguments.data in DIGITS else "photos"]
    epochs = {} if arguments.epochs is None else {"max_epochs": arguments.epochs}
    rows = []
    for name in arguments.only or classifiers:
        trained, seconds = [], []
        for seed in arguments.seeds:
            clf = classifiers[name](random_state=seed, **epochs)
            start = time.perf_counter()
            trained.append(clf.fit(X, y))
            seconds.append(time.perf_counter() - start)
        probabilities = [clf.predict_proba(X_test) for clf in trained]
        scores = [
            100 * accuracy_score(y_test, clf.classes_[p.argmax(axis=1)])
            for clf, p in zip(trained, probabilities, strict=True)
        ]
        losses = [
            log_loss(y_test, p, labels=trained[0].classes_) for p in probabilities
        ]
        rows.append(
            {
                "classifier": name,
                "weights": sum(w.numel() for w in trained[0].module_.parameters()),
                "epochs": trained[0].n_iter_,
                **{
                    f"seed {seed}": round(score, 2)
                    for seed, score in zip(arguments.seeds, scores, strict=True)
                },
                "mean_%": round(statistics.mean(scores), 2),
                "log loss": round(statistics.mean(losses), 4),
                "seconds of fit": round(statistics.median(seconds), 1),
            }
        )
    report(arguments, rows, threads_of_each_training=torch.get_num_threads())


if __name__ == "__main__":
    main()
