"""Count how many of scikit-learn's estimator checks a classifier passes.

    python examples/benchmarks/estimator_checks.py

runs scikit-learn's `check_estimator` on `MnistCNNClassifier`, on a plain skorch
`NeuralNetClassifier` around a small network, and on the classifiers of scikit-learn's
that `peers.py` compares it with, all with their defaults, and prints how many were
passed, skipped, failed, or failed as expected. `--only` takes the names of some of
these classes, `--details` lists each check that was not passed, with its reason.
"""

import os
import time
import warnings

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy: one of the checks asks for it

import torch
from _common import make_parser, report
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator
from skorch import NeuralNetClassifier

from skmnist import MnistCNNClassifier

STATUSES = ("passed", "skipped", "failed", "xfail")

EXPECTED = {
    "MnistCNNClassifier": {
        "check_sample_weight_equivalence_on_dense_data": "asks for agreement to 1e-7, "
        "and float32 sums up repeated images in another order than weights"
    }
}
"""Checks that a classifier is expected to fail, and why."""


class PlainNetwork(torch.nn.Module):
    """Takes any number of features, and has room for ten classes."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.LazyLinear(10)
        self.output = torch.nn.Linear(10, 10)

    def forward(self, X):
        scores = self.output(torch.relu(self.hidden(X.float())))
        return torch.softmax(scores, dim=1)


def make_estimators():
    """The classifiers by the names of their classes, with their defaults."""
    estimators = [
        MnistCNNClassifier(),
        NeuralNetClassifier(PlainNetwork, train_split=None, verbose=0),
        KNeighborsClassifier(),
        ExtraTreesClassifier(),
        HistGradientBoostingClassifier(),
        MLPClassifier(),
        SVC(),
    ]
    return {type(estimator).__name__: estimator for estimator in estimators}


def run(name, estimator):
    """Return what `check_estimator` says, and how long it took in seconds."""
    torch.manual_seed(0)  # skorch's own classifier has no random_state
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


def list_what_was_not_passed(name, results):
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
        "--details", action="store_true", help="list what was not passed"
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
            list_what_was_not_passed(name, results)
    report(arguments, rows)


if __name__ == "__main__":
    main()
