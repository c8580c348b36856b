"""Accuracy on pictures of handwriting: plain resizing and `DigitPreprocessor`.

    python examples/benchmarks/photos.py FOLDER [MODEL]

FOLDER contains pictures and a `manifest.csv` with the columns file, label, kind and
optionally note. Rows whose note contains the word DUP or AMBIGUOUS are skipped. MODEL
is a file written by `skmnist train`; without it, a model is trained first with the
digits recipe on `--data`.

Plain resizing is the usual approach of tutorials: convert to grey, resize to 28x28
pixels and invert, since handwriting is dark on light. `DigitPreprocessor` has its
default parameters. The accuracies are printed by kind, with the misread pictures; the
last column is the accuracy on the test digits, which need no preprocessing.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas
from _common import load_digits, make_parser, report
from PIL import Image

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.preprocessing import DigitPreprocessor

SKIPPED = r"\b(?:DUP|AMBIGUOUS)\b"


def resize(paths):
    """Resize and invert, for dark strokes on light paper."""
    images = [Image.open(path).convert("L").resize((28, 28)) for path in paths]
    return 255 - np.array([np.asarray(image).ravel() for image in images])


def main():
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path, nargs="?")
    arguments = parser.parse_args()
    manifest = pandas.read_csv(arguments.folder / "manifest.csv")
    notes = manifest.get("note", pandas.Series("", manifest.index)).fillna("")
    manifest = manifest[~notes.str.contains(SKIPPED)]
    X_train, X_test, y_train, y_test = load_digits(arguments)
    if arguments.model is None:
        clf = MnistCNNClassifier.with_digits_recipe(random_state=0)
        clf.fit(X_train, y_train)
    else:
        clf = skmnist.load(arguments.model)

    paths = [arguments.folder / file for file in manifest["file"]]
    on_test_digits = round(100 * clf.score(X_test, y_test), 2)
    rows, misread = [], {}
    preprocessings = {
        "plain resizing": resize,
        "DigitPreprocessor": DigitPreprocessor().transform,
    }
    for name, preprocess in preprocessings.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful pictures count, too
            predicted = clf.predict(preprocess(paths))
        correct = pandas.Series(predicted == manifest["label"].to_numpy())
        kinds = manifest["kind"].to_numpy()
        row = {"preprocessing": name, "all, %": round(100 * correct.mean(), 1)}
        for kind, of_kind in correct.groupby(kinds):
            row[f"{kind} ({len(of_kind)}), %"] = round(100 * of_kind.mean(), 1)
        rows.append({**row, "test digits, %": on_test_digits})
        misread[name] = [
            f"{path.relative_to(arguments.folder)}: {label} read as {prediction}"
            for path, label, prediction in zip(
                paths, manifest["label"], predicted, strict=True
            )
            if label != prediction
        ]
    print("\n".join(misread["DigitPreprocessor"]))
    report(arguments, rows, misread=misread)


if __name__ == "__main__":
    main()
