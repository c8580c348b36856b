"""Accuracy and time of `skmnist.read` on pictures of several digits.

    python examples/benchmarks/reading.py [RUN] [--numbers FOLDER]

RUN is a folder written by `skmnist train`; without it, such models are trained first
with the digits recipe on `--data`. They read generated pictures of test digits
(`make_digit_strings` with its defaults): strings of five separate digits on each kind
of paper, and pairs of digits that touch. `classifier alone` is the part of the strings
of which the classifier reads each of the test digits themselves.

FOLDER contains pictures and a `manifest.csv` with the columns file and digits, in which
spaces separate rows, and possibly split: `--split` selects pictures by it. The list
`number_pictures.csv` names pictures of public repositories, of which those of the split
"judge" were read before they were used to develop, too. A digit counts as right if it
is in the longest common subsequence of the digits of the picture, and a row if all of
it is right.

The last row is the time to read a JPEG file of 12 megapixels with 50 digits with one
thread, of which the file is a part, but not the loading of the model.
"""

import csv
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _common import load_digits, make_parser, report
from PIL import Image

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.datasets import make_digit_strings, make_touching_digits

SHEET = (4000, 3000)
"""Width and height of the picture whose reading is timed, in pixels."""

ROUNDS = 5

PAPERS = ("blank", "ruled", "squared")


def count_common(first, second):
    """Length of the longest common subsequence of two strings."""
    lengths = [0] * (len(second) + 1)
    for one in first:
        last = 0
        for index, other in enumerate(second, start=1):
            new = last + 1 if one == other else max(lengths[index - 1], lengths[index])
            last, lengths[index] = lengths[index], new
    return lengths[-1]


def compare(name, targets, texts, **further):
    """Make a row of the table; the rows of a target are separated by line breaks."""
    n_rows = n_right = n_digits = n_found = 0
    for target, text in zip(targets, texts, strict=True):
        expected, found = target.split("\n"), text.split("\n")
        n_rows += len(expected)
        if len(expected) == len(found):
            n_right += sum(map(str.__eq__, expected, found))
        n_digits += sum(map(len, expected))
        n_found += count_common("".join(expected), "".join(found))
    return {
        "pictures": name,
        "number": len(targets),
        "digits, %": round(100 * n_found / n_digits, 2),
        "rows, %": round(100 * n_right / n_rows, 2),
        "classifier alone, %": "",
        "seconds": "",
        **further,
    }


def train_models(X, y):
    """Train a classifier of digits and one of digits that touch."""
    clf = MnistCNNClassifier.with_digits_recipe(random_state=0).fit(X, y)
    n_pairs = min(200_000, 10 * len(X))
    pairs = make_touching_digits(X, y, n_samples=n_pairs, random_state=0)
    pair_classifier = MnistCNNClassifier.with_pairs_recipe(random_state=0)
    return clf, pair_classifier.fit(pairs.images, pairs.target)


def read(picture, models):
    """Return the text of a picture."""
    clf, pair_classifier = models
    return skmnist.read(picture, clf, pair_classifier=pair_classifier).text


def read_strings(models, X, y, name, **parameters):
    """Read generated numbers."""
    pictures = make_digit_strings(X, y, random_state=0, **parameters)
    is_right = models[0].predict(X) == y
    alone = np.mean([is_right[indices].all() for indices in pictures.indices])
    texts = [read(image, models) for image in pictures.images]
    missed = [
        pair for pair in zip(pictures.target, texts, strict=True) if len({*pair}) > 1
    ]
    alone = round(100 * alone, 2)
    return compare(name, pictures.target, texts) | {
        "classifier alone, %": alone
    }, missed


def read_folder(models, folder, split):
    """Read the pictures of a folder with a manifest, all or those of a split."""
    with open(folder / "manifest.csv", newline="") as file:
        manifest = list(csv.DictReader(file))
    if split is not None:
        manifest = [entry for entry in manifest if entry["split"] == split]
    targets = [entry["digits"].replace(" ", "\n") for entry in manifest]
    texts = [read(folder / entry["file"], models) for entry in manifest]
    missed = [
        (entry["file"], target, text)
        for entry, target, text in zip(manifest, targets, texts, strict=True)
        if target != text
    ]
    return compare(str(folder), targets, texts), missed


def time_sheet(models, X, y):
    """Time the reading of a large file."""
    sheet = make_digit_strings(
        *(X, y),
        n_samples=1,
        n_rows=10,
        length=5,
        digit_size=(170, 170),
        paper="blank",
        tilt=0,
        random_state=0,
    )
    image = Image.fromarray(sheet.images[0])
    paper = int(np.median(image))
    canvas = Image.new("L", SHEET, paper)
    canvas.paste(image, ((SHEET[0] - image.width) // 2, (SHEET[1] - image.height) // 2))
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.jpg"
        canvas.convert("RGB").save(path, quality=90)
        for _ in range(ROUNDS):
            begin = time.process_time()
            text = read(path, models)
            seconds.append(time.process_time() - begin)
    torch.set_num_threads(n_threads)
    return compare(
        "12 megapixels, 50 digits",
        sheet.target,
        [text],
        seconds=round(statistics.median(seconds), 2),
    )


def main():
    parser = make_parser(__doc__)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--numbers", type=Path, metavar="FOLDER")
    parser.add_argument("--split", help="of the pictures in FOLDER (default: all)")
    parser.add_argument(
        "--pictures", type=int, default=1000, help="of each kind (default: %(default)s)"
    )
    arguments = parser.parse_args()
    X_train, X_test, y_train, y_test = load_digits(arguments)
    if arguments.run is None:
        models = train_models(X_train, y_train)
    else:
        models = [
            skmnist.load(arguments.run / f"{name}.safetensors")
            for name in ("model", "pairs")
        ]
    rows, misread = [], {}
    kinds = {
        f"5 digits, {paper} paper": {"length": 5, "paper": paper} for paper in PAPERS
    }
    kinds["2 touching digits"] = {"length": 2, "touching": 1}
    for name, parameters in kinds.items():
        row, misread[name] = read_strings(
            *(models, X_test, y_test, name), n_samples=arguments.pictures, **parameters
        )
        rows.append(row)
    if arguments.numbers:
        row, misread["numbers"] = read_folder(
            models, arguments.numbers, arguments.split
        )
        rows.append(row)
        for file, target, text in misread["numbers"]:
            print(f"{file}: {target.split()} read as {text.split()}")
    rows.append(time_sheet(models, X_test, y_test))
    report(arguments, rows, misread=misread)


if __name__ == "__main__":
    main()
