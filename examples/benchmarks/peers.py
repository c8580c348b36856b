"""Comparison with classifiers of scikit-learn: time and accuracy.

    python examples/benchmarks/peers.py

fits each classifier with default parameters on all training digits and predicts all
test digits. `MLPClassifier` and `SVC` get pixels in [0, 1], because they learn poorly
from larger numbers. Trees and neighbours use all cores, as the networks do.
"""

import time

from _common import load_digits, make_parser, report
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skmnist import MnistCNNClassifier


def _to_unit_interval(X):
    return X / 255


def _scaled(classifier):
    return make_pipeline(FunctionTransformer(_to_unit_interval), classifier)


PEERS = {
    "MnistCNNClassifier(max_epochs=1)": MnistCNNClassifier(
        max_epochs=1, random_state=0
    ),
    "MnistCNNClassifier()": MnistCNNClassifier(random_state=0),
    "KNeighborsClassifier()": KNeighborsClassifier(n_jobs=-1),
    "ExtraTreesClassifier()": ExtraTreesClassifier(n_jobs=-1, random_state=0),
    "HistGradientBoostingClassifier()": HistGradientBoostingClassifier(random_state=0),
    "MLPClassifier()": _scaled(MLPClassifier(random_state=0)),
    "SVC()": _scaled(SVC()),
}


def main():
    arguments = make_parser(__doc__).parse_args()
    X, X_test, y, y_test = load_digits(arguments)
    # the first fit in a process loads parts of torch
    MnistCNNClassifier(max_epochs=1).fit(X[:640], y[:640])
    rows = []
    for name, clf in PEERS.items():
        begin = time.perf_counter()
        clf.fit(X, y)
        fitted = time.perf_counter()
        accuracy = clf.score(X_test, y_test)
        predicted = time.perf_counter()
        rows.append(
            {
                "classifier": name,
                "fit, s": round(fitted - begin, 1),
                "predict, s": round(predicted - fitted, 2),
                "accuracy_%": round(100 * accuracy, 2),
            }
        )
        print(rows[-1], flush=True)
    report(arguments, rows)


if __name__ == "__main__":
    main()
