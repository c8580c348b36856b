"""How well people's own pictures are read: with plain resizing, and prepared.

    python examples/benchmarks/photos.py FOLDER [MODEL]

FOLDER has pictures and a `manifest.csv` with the columns file, label, kind and, if
there is anything to say, note. Rows whose note has the word DUP or AMBIGUOUS are left
out. MODEL is a file of `skmnist train`; without it one is trained first, with the
accurate recipe on `--data`.

Plain resizing is what tutorials do: grey, 28x28 pixels, and inverted, since people
write dark on light. `DigitPreprocessor` has its default parameters. Accuracies are
printed by kind, and which pictures are misread; that on the test digits, which need no
preparation, is in the last column.
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

LEFT_OUT = r"\b(?:DUP|AMBIGUOUS)\b"


def resize(paths):
    """The usual way, for dark ink on light paper."""
    images = [Image.open(path).convert("L").resize((28, 28)) for path in paths]
    return 255 - np.array([np.asarray(image).ravel() for image in images])


def main():
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path, nargs="?")
    arguments = parser.parse_args()
    manifest = pandas.read_csv(arguments.folder / "manifest.csv")
    notes = manifest.get("note", pandas.Series("", manifest.index)).fillna("")
    manifest = manifest[~notes.str.contains(LEFT_OUT)]
    X_train, X_test, y_train, y_test = load_digits(arguments)
    if arguments.model is None:
        clf = MnistCNNClassifier.with_accurate_recipe(random_state=0)
        clf.fit(X_train, y_train)
    else:
        clf = skmnist.load(arguments.model)

    paths = [arguments.folder / file for file in manifest["file"]]
    on_test_digits = round(100 * clf.score(X_test, y_test), 2)
    rows, misread = [], {}
    preparations = {
        "plain resizing": resize,
        "DigitPreprocessor": DigitPreprocessor().transform,
    }
    for name, prepare in preparations.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # all pictures count, doubtful ones too
            predicted = clf.predict(prepare(paths))
        right = pandas.Series(predicted == manifest["label"].to_numpy())
        kinds = manifest["kind"].to_numpy()
        row = {"preparation": name, "all, %": round(100 * right.mean(), 1)}
        for kind, of_kind in right.groupby(kinds):
            row[f"{kind} ({len(of_kind)}), %"] = round(100 * of_kind.mean(), 1)
        rows.append({**row, "test digits, %": on_test_digits})
        misread[name] = [
            f"{path.relative_to(arguments.folder)}: {label} read as {found}"
            for path, label, found in zip(
                paths, manifest["label"], predicted, strict=True
            )
            if label != found
        ]
    print("\n".join(misread["DigitPreprocessor"]))
    report(arguments, rows, misread=misread)


if __name__ == "__main__":
    main()
