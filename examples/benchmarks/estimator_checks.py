"""Count how many of scikit-learn's estimator checks a classifier passes.

    python examples/benchmarks/estimator_checks.py

runs scikit-learn's `check_estimator` on `MnistCNNClassifier`, on a plain skorch
`NeuralNetClassifier` around a small network, and on the classifiers of scikit-learn's
that `peers.py` compares it with, all with their defaults, and prints how many were
passed, skipped, failed, or failed as expected. `--details` lists each check that was
not passed, with its reason.
"""

import argparse
import os
import time
import warnings

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy: one of the checks asks for it

import sklearn
import skorch
import torch
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator
from skorch import NeuralNetClassifier

from skmnist import MnistCNNClassifier

STATUSES = ("passed", "skipped", "failed", "xfail")

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "asks for agreement to 1e-7, and "
    "float32 sums up repeated images in another order than weights"
}


class PlainNetwork(torch.nn.Module):
    """Takes any number of features, and has room for ten classes."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.LazyLinear(10)
        self.output = torch.nn.Linear(10, 10)

    def forward(self, X):
        scores = self.output(torch.relu(self.hidden(X.float())))
        return torch.softmax(scores, dim=1)


def run(estimator, expected_failed_checks=None):
    """Return what `check_estimator` says, and how long it took in seconds."""
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            estimator,
            on_fail=None,
            on_skip=None,
            expected_failed_checks=expected_failed_checks,
        )
    return results, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--details", action="store_true", help="list what was not passed"
    )
    arguments = parser.parse_args()
    print(f"scikit-learn {sklearn.__version__}, skorch {skorch.__version__}")
    columns = "".join(f"{status:>9}" for status in STATUSES)
    print(f"{'':32}{'checks':>9}{columns}{'seconds':>9}")
    for estimator, expected in (
        (MnistCNNClassifier(), EXPECTED),
        (NeuralNetClassifier(PlainNetwork, train_split=None, verbose=0), None),
        (KNeighborsClassifier(), None),
        (ExtraTreesClassifier(), None),
        (HistGradientBoostingClassifier(), None),
        (MLPClassifier(), None),
        (SVC(), None),
    ):
        results, seconds = run(estimator, expected)
        found = [result["status"] for result in results]
        counts = "".join(f"{found.count(status):9}" for status in STATUSES)
        name = type(estimator).__name__
        print(f"{name:32}{len(found):9}{counts}{seconds:9.0f}")
        if arguments.details:
            for result in results:
                if result["status"] != "passed":
                    reason = (
                        result["expected_to_fail_reason"]
                        if result["status"] == "xfail"
                        else repr(result["exception"])
                    )
                    print(f"    {result['status']}  {result['check_name']}")
                    print(f"            {' '.join(reason.split())[:100]}")


if __name__ == "__main__":
    main()
