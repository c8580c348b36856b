"""False and true alarms of the warning about pixels on another scale.

    python examples/benchmarks/pixel_scale.py
    python examples/benchmarks/pixel_scale.py --fashion-home FOLDER --photos FOLDER

trains one epoch on the digits and asks for predictions of images on the same scale and
on others. Each row has the number of calls of `predict_proba` and how many of them
warned, and for digits the accuracy and the median probability of the predicted label.
The first rows should have no warning, and the others one.

`--fashion-home` is the folder of scikit-learn's data that contains Fashion-MNIST: the
benchmark also shows its test images to the model of digits, and to one that it trains
on Fashion-MNIST. `--photos` is a folder for `photos.py`, whose pictures
`DigitPreprocessor` converts.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas
from _common import load_digits, make_parser, report
from sklearn.metrics import accuracy_score

from skmnist import MnistCNNClassifier
from skmnist.datasets import fetch_fashion_mnist
from skmnist.preprocessing import DigitPreprocessor

OTHER_SCALES = {
    "X / 255": lambda X: X / 255,
    "X > 0": lambda X: X > 0,
    "(X - mean) / std": lambda X: (X - X.mean()) / X.std(),
    "X / 127.5 - 1": lambda X: X / 127.5 - 1,
    "257 * X, 16 bits": lambda X: X.astype(np.uint16) * 257,
}


def ask(name, clf, X, y=None, size=None):
    """Predict images, `size` at a time; return a row of the table."""
    size = len(X) if size is None else size
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        starts = range(0, len(X), size)
        parts = [clf.predict_proba(X[start : start + size]) for start in starts]
    row = {"images": name, "calls": len(parts), "warnings": len(caught)}
    if y is not None:
        probabilities = np.concatenate(parts)
        predicted = clf.classes_[probabilities.argmax(axis=1)]
        row["accuracy_%"] = round(100 * accuracy_score(y, predicted), 2)
        row["confidence"] = round(float(np.median(probabilities.max(axis=1))), 3)
    print(row, flush=True)
    return row


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--fashion-home", type=Path)
    parser.add_argument("--photos", type=Path)
    arguments = parser.parse_args()
    X, X_test, y, y_test = load_digits(arguments)
    digits = MnistCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    blank = np.repeat([[0], [255]], X.shape[1], axis=1).astype(X.dtype)
    rows = [
        ask("test digits, all at once", digits, X_test, y_test),
        ask("test digits, in batches of 100", digits, X_test, y_test, 100),
        ask("test digits, one at a time", digits, X_test, y_test, 1),
        ask("blank images of 0 and of 255", digits, blank, size=1),
    ]
    if arguments.photos is not None:
        manifest = pandas.read_csv(arguments.photos / "manifest.csv")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful pictures count, too
            photos = DigitPreprocessor().transform(
                [arguments.photos / file for file in manifest["file"]]
            )
        rows.append(ask("photos, one at a time", digits, photos, size=1))
    if arguments.fashion_home is not None:
        home = {"data_home": arguments.fashion_home, "return_X_y": True}
        fashion = fetch_fashion_mnist(**home, subset="test")
        rows.append(ask("Fashion-MNIST, one at a time", digits, fashion[0], size=1))
        clf = MnistCNNClassifier(max_epochs=1, random_state=0)
        clf.fit(*fetch_fashion_mnist(**home))
        name = "Fashion-MNIST by its own model, one at a time"
        rows.append(ask(name, clf, *fashion, 1))
    for name, convert in OTHER_SCALES.items():
        rows.append(ask(name, digits, convert(X_test), y_test))
    clf = MnistCNNClassifier(max_epochs=1, random_state=0).fit(X / 255, y)
    rows.append(ask("X by a model of X / 255", clf, X_test, y_test))
    report(arguments, rows)


if __name__ == "__main__":
    main()
