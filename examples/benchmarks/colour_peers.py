"""Comparison with classifiers of scikit-learn on colour images: time and accuracy.

    python examples/benchmarks/colour_peers.py --data cifar10
    python examples/benchmarks/colour_peers.py --data FOLDER --only "SVC() on HOG"

FOLDER contains the folders `train` and `test`, with a folder of pictures of the same
size for each class. The benchmark fits each classifier with default parameters and seed
0 on all training images and predicts all test images. `MLPClassifier` gets pixels in
[0, 1], and `SVC` histograms of oriented gradients (`skimage.feature.hog` with default
parameters), whose computation is part of the times.
"""

import time

import numpy as np
from _common import make_parser, report
from beyond_mnist import data_or_folder, load_images
from skimage.feature import hog
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skmnist import ResNetClassifier


def _as_rows(images):
    return images.reshape(len(images), -1)


def _to_unit_interval(images):
    return _as_rows(images) / np.float32(255)


def _to_hog(images):
    channel_axis = 0 if images.ndim == 4 else None
    return np.stack([hog(image, channel_axis=channel_axis) for image in images])


def _after(function, classifier):
    return make_pipeline(FunctionTransformer(function), classifier)


PEERS = {
    "HistGradientBoostingClassifier()": _after(
        _as_rows, HistGradientBoostingClassifier(random_state=0)
    ),
    "MLPClassifier()": _after(_to_unit_interval, MLPClassifier(random_state=0)),
    "SVC() on HOG": _after(_to_hog, SVC()),
    "ResNetClassifier()": ResNetClassifier(random_state=0),
}


def main():
    parser = make_parser(__doc__, data=False)
    parser.add_argument("--data", type=data_or_folder, required=True)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=[*PEERS])
    for part in ("train", "test"):
        parser.add_argument(
            f"--{part}-images", type=int, help=f"use only this many {part} images"
        )
    arguments = parser.parse_args()
    X, y = load_images(arguments.data, "train")
    X_test, y_test = load_images(arguments.data, "test")
    if arguments.train_images is not None:
        chosen = np.random.default_rng(0).permutation(len(X))[: arguments.train_images]
        X, y = X[chosen], y[chosen]
    X_test, y_test = X_test[: arguments.test_images], y_test[: arguments.test_images]
    # the first fit in a process loads parts of torch
    ResNetClassifier(max_epochs=1).fit(X[::50][:640], y[::50][:640])
    rows = []
    for name in arguments.only:
        begin = time.perf_counter()
        clf = PEERS[name].fit(X, y)
        fitted = time.perf_counter()
        accuracy = clf.score(X_test, y_test)
        predicted = time.perf_counter()
        rows.append(
            {
                "classifier": name,
                "training images": len(X),
                "fit, s": round(fitted - begin, 1),
                "predict, s": round(predicted - fitted, 1),
                "accuracy_%": round(100 * accuracy, 2),
            }
        )
        print(rows[-1], flush=True)
    report(arguments, rows)


if __name__ == "__main__":
    main()
