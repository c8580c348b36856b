"""Number of scikit-learn's estimator checks that classifiers pass.

    python examples/benchmarks/estimator_checks.py

runs scikit-learn's `check_estimator` on `MnistCNNClassifier`, on `ResNetClassifier`
without augmentation, on a plain skorch `NeuralNetClassifier` with a small network, and
on the scikit-learn classifiers of `peers.py`, with default parameters otherwise. It
prints how many checks passed, were skipped, failed, or failed as expected. `--only`
selects some of these classes, `--details` lists each check that did not pass and the
reason.
"""

import os
import time
import warnings

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported; a check needs it

import torch
from _common import make_parser, report
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator
from skorch import NeuralNetClassifier

from skmnist import MnistCNNClassifier, ResNetClassifier

STATUSES = ("passed", "skipped", "failed", "xfail")

EXPECTED = {
    "MnistCNNClassifier": {
        "check_sample_weight_equivalence_on_dense_data": "requires agreement to 1e-7, "
        "but in float32, repeated images and weights are summed in a different order"
    },
    "ResNetClassifier": {
        "check_sample_weight_equivalence_on_dense_data": "batch normalization ignores "
        "weights"
    },
}
"""Checks that a classifier is expected to fail, with the reason."""


class PlainNetwork(torch.nn.Module):
    """A network for any number of features and up to ten classes."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.LazyLinear(10)
        self.output = torch.nn.Linear(10, 10)

    def forward(self, X):
        scores = self.output(torch.relu(self.hidden(X.float())))
        return torch.softmax(scores, dim=1)


def make_estimators():
    """Return classifiers with default parameters by the names of their classes."""
    estimators = [
        MnistCNNClassifier(),
        ResNetClassifier(augmentation=None),  # mirrored rows may be of another class
        NeuralNetClassifier(PlainNetwork, train_split=None, verbose=0),
        KNeighborsClassifier(),
        ExtraTreesClassifier(),
        HistGradientBoostingClassifier(),
        MLPClassifier(),
        SVC(),
    ]
    return {type(estimator).__name__: estimator for estimator in estimators}


def run(name, estimator):
    """Return the results of `check_estimator` and its duration in seconds."""
    torch.manual_seed(0)  # NeuralNetClassifier has no random_state
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            estimator,
            on_fail=None,
            on_skip=None,
            expected_failed_checks=EXPECTED.get(name),
        )
    return results, time.perf_counter() - begin


def print_failures(name, results):
    """Print the checks that did not pass."""
    for result in results:
        if result["status"] == "xfail":
            reason = result["expected_to_fail_reason"]
        else:
            reason = repr(result["exception"])
        if result["status"] != "passed":
            print(f"{name}, {result['status']}: {result['check_name']}")
            print(f"    {' '.join(reason.split())[:100]}")


def main():
    estimators = make_estimators()
    parser = make_parser(__doc__, data=False)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=estimators,
        default=list(estimators),
        metavar="CLASS",
        help=f"some of {', '.join(estimators)}",
    )
    parser.add_argument(
        "--details", action="store_true", help="list the checks that did not pass"
    )
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        results, seconds = run(name, estimators[name])
        found = [result["status"] for result in results]
        counts = {status: found.count(status) for status in STATUSES}
        rows.append({"estimator": name, "checks": len(found), **counts})
        rows[-1]["seconds"] = round(seconds, 1)
        if arguments.details:
            print_failures(name, results)
    report(arguments, rows)


if __name__ == "__main__":
    main()
