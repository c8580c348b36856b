"""How many images without a digit are doubted, if one digit in a hundred is.

    python examples/benchmarks/non_digits.py
    python examples/benchmarks/non_digits.py --omniglot ZIP --fashion-home FOLDER

trains a classifier and `NonDigitDetector` on the digits for each seed, and prints which
percentage of several kinds of images is doubted. The threshold of each score is that
below which 1 % of the test digits are; "own threshold" is the percentage of test digits
that `NonDigitDetector.predict` doubts. The other scores are of the classifier: its
largest probability [1]_, the energy of its logits [2]_, and the Mahalanobis distance of
the features before its last layer from the nearest mean of a class [3]_.

Scribbles, noise and blanks are drawn here, by other means than in `make_non_digits`.
ZIP is images_background_small1.zip of Omniglot [4]_, whose Latin letters by 20 people
`DigitPreprocessor` converts; "like digits" are B, G, I, L, O, Q, S and Z. FOLDER is the
folder of scikit-learn's data that contains Fashion-MNIST. `--photos` is a folder for
`photos.py`: pictures of digits, of which few should be doubted.

.. [1] D. Hendrycks, K. Gimpel, "A Baseline for Detecting Misclassified and
   Out-of-Distribution Examples in Neural Networks", 2017, arXiv:1610.02136.
.. [2] W. Liu et al., "Energy-based Out-of-distribution Detection", 2020,
   arXiv:2010.03759.
.. [3] K. Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution
   Samples and Adversarial Attacks", 2018, arXiv:1807.03888.
.. [4] B. Lake, R. Salakhutdinov, J. Tenenbaum, "Human-level concept learning through
   probabilistic program induction", Science 350, 2015.
"""

import io
import string
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas
from _common import load_digits, make_parser, report
from PIL import Image, ImageDraw
from scipy.special import logsumexp

from skmnist import MnistCNNClassifier, NonDigitDetector
from skmnist.datasets import fetch_fashion_mnist
from skmnist.preprocessing import DigitPreprocessor

CONTAMINATION = 0.01
"""Fraction of the test digits to doubt."""

LIKE_DIGITS = "bgiloqsz"

N_IMAGES = 1000
"""Images of a kind that are drawn here."""

SHEET = 100
"""Height and width of a sheet with a scribble in pixels."""


def draw_scribbles(rng):
    """Draw paths of a pen: half of them turn at random, the others are sums of waves.

    They are scaled as digits are, with the thickness that the pen had.
    """
    sheets = []
    for number in range(N_IMAGES):
        if number % 2:
            turns = np.cumsum(rng.normal(0, 0.35, 60))
            steps = 4 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
            path = np.cumsum(steps, axis=0)
        else:
            moments = np.linspace(0, 2 * np.pi * rng.uniform(0.5, 1), 200)
            angles = moments[:, None, None] * np.arange(1, 6)
            waves = np.sin(angles + rng.uniform(0, 2 * np.pi, (2, 5)))
            path = (rng.normal(0, 1, (2, 5)) * waves).sum(axis=2)
        path -= path.min(axis=0)
        path = 15 + (SHEET - 30) * path / path.max()
        sheet = Image.new("L", (SHEET, SHEET), 255)
        width = int(rng.integers(5, 13))
        ImageDraw.Draw(sheet).line(path.ravel().tolist(), 0, width, joint="curve")
        sheets.append(sheet)
    return to_rows(sheets, stroke_width=None)


def draw_noise(rng):
    """Noise of four distributions."""
    shape = N_IMAGES // 4, 784
    parts = [
        rng.uniform(0, 256, shape),
        rng.normal(128, rng.uniform(10, 80, (shape[0], 1)), shape),
        np.abs(rng.laplace(0, rng.uniform(10, 100, (shape[0], 1)), shape)),
        255 * (rng.uniform(size=shape) < rng.uniform(0.02, 0.98, (shape[0], 1))),
    ]
    return np.concatenate(parts).clip(0, 255).astype(np.uint8)


def draw_blanks(rng):
    """Draw images of each grey level, without and with a little noise."""
    levels = np.repeat(np.arange(256), 784).reshape(256, 784)
    noisy = levels + rng.normal(0, 2, levels.shape)
    return np.concatenate([levels, noisy]).clip(0, 255).astype(np.uint8)


def to_rows(pictures, **parameters):
    """Convert dark strokes on white to rows of pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful pictures count, too
        return DigitPreprocessor(**parameters).transform(pictures)


def load_omniglot(path):
    """Return Omniglot's letters as rows of pixels, and which are like digits."""
    pictures, like_digits = [], []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if "/Latin/character" in name and name.endswith(".png"):
                number = int(name.split("/Latin/character")[1][:2])  # from 1 for a
                letter = string.ascii_lowercase[number - 1]
                picture = Image.open(io.BytesIO(archive.read(name))).convert("L")
                pictures.append(picture)
                like_digits.append(letter in LIKE_DIGITS)
    return to_rows(pictures), np.array(like_digits)


def load_judges(arguments):
    """Return the images that should be doubted, by name."""
    rng = np.random.default_rng(0)
    judges = {
        "scribbles": draw_scribbles(rng),
        "noise": draw_noise(rng),
        "blanks": draw_blanks(rng),
    }
    if arguments.omniglot is not None:
        letters, like_digits = load_omniglot(arguments.omniglot)
        judges["letters"] = letters[~like_digits]
        judges["like digits"] = letters[like_digits]
    if arguments.fashion_home is not None:
        judges["Fashion-MNIST"], _ = fetch_fashion_mnist(
            data_home=arguments.fashion_home, subset="test", return_X_y=True
        )
    if arguments.photos is not None:
        manifest = pandas.read_csv(arguments.photos / "manifest.csv")
        files = [arguments.photos / file for file in manifest["file"]]
        judges["photos of digits"] = to_rows(files)
    return judges


class ClassifierScores:
    """Scores of a fitted classifier, of which the lowest are doubted."""

    def __init__(self, clf, X, y):
        self.clf = clf
        _, features = self._compute_logits_and_features(X)
        self.means = np.stack([features[y == label].mean(axis=0) for label in set(y)])
        centered = features - self.means[np.searchsorted(sorted(set(y)), y)]
        covariance = centered.T @ centered / len(centered)
        covariance += 1e-3 * np.eye(len(covariance)) * covariance.trace()
        self.whitening = np.linalg.cholesky(np.linalg.inv(covariance))

    def largest_probability(self, X):
        return self.clf.predict_proba(X).max(axis=1)

    def energy(self, X):
        logits, _ = self._compute_logits_and_features(X)
        return logsumexp(logits, axis=1)

    def mahalanobis(self, X):
        _, features = self._compute_logits_and_features(X)
        whitened = features @ self.whitening
        means = self.means @ self.whitening
        distances = [np.linalg.norm(whitened - mean, axis=1) for mean in means]
        return -np.min(distances, axis=0)

    def _compute_logits_and_features(self, X):
        parts = []

        def record(module, inputs, output):
            parts.append((output.numpy(), inputs[0].numpy()))

        hook = self.clf.module_.fc2.register_forward_hook(record)
        try:
            self.clf.predict_proba(X)
        finally:
            hook.remove()
        logits, features = zip(*parts, strict=True)
        return np.concatenate(logits), np.concatenate(features)


def judge(name, score, X_test, judges, **further):
    """Return a row of the table."""
    threshold = np.quantile(score(X_test), CONTAMINATION)
    row = {"score": name, **further}
    for kind, images in judges.items():
        row[f"{kind}, %"] = round(100 * float((score(images) < threshold).mean()), 1)
    print(row, flush=True)
    return row


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    for option in ("omniglot", "fashion-home", "photos"):
        parser.add_argument(f"--{option}", type=Path)
    arguments = parser.parse_args()
    judges = load_judges(arguments)
    X, X_test, y, _ = load_digits(arguments)
    rows = []
    for seed in arguments.seeds:
        begin = time.perf_counter()
        clf = MnistCNNClassifier(random_state=seed).fit(X, y)
        seconds = time.perf_counter() - begin
        scores = ClassifierScores(clf, X, y)
        own = {"own threshold, %": None}
        for name, score in {
            "largest probability": scores.largest_probability,
            "energy": scores.energy,
            "Mahalanobis distance": scores.mahalanobis,
        }.items():
            fit = {"fit, s": round(seconds, 1), **own}
            rows.append(judge(f"{name}, seed {seed}", score, X_test, judges, **fit))
        begin = time.perf_counter()
        detector = NonDigitDetector(contamination=CONTAMINATION, random_state=seed)
        detector.fit(X, y)
        fit = {
            "fit, s": round(time.perf_counter() - begin, 1),
            "own threshold, %": round(
                100 * float((detector.predict(X_test) < 0).mean()), 2
            ),
        }
        name = f"NonDigitDetector, seed {seed}"
        rows.append(judge(name, detector.score_samples, X_test, judges, **fit))
    report(arguments, rows)


if __name__ == "__main__":
    main()
