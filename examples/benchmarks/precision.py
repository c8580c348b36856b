"""Accuracy of training and prediction in bfloat16, compared with float32.

    python examples/benchmarks/precision.py

trains the default recipe for one epoch in float32 and in bfloat16 (the network and the
matrix products of the optimizer) with each of `--seeds`, and predicts the test digits
with each model in float32 and in bfloat16 (which skmnist itself never does). It prints
means over the seeds: accuracy, log loss, and the differences from the float32
predictions of the same model: the number of other labels, and the mean and the largest
difference of a probability. A processor without bfloat16 emulates it, with the
same results but slowly.
"""

import numpy as np
import torch
from _common import load_digits, make_parser, report
from sklearn.metrics import accuracy_score, log_loss

from skmnist import MnistCNNClassifier

PRECISIONS = ("float32", "bfloat16")


def predict_in_bfloat16(clf, X):
    """Predict probabilities in bfloat16, with the autocast of torch."""
    images = torch.from_numpy(X).reshape(-1, *clf.image_shape_)
    clf.module_.eval()
    with torch.inference_mode(), torch.autocast(clf.device_.type, torch.bfloat16):
        outputs = [clf.module_(part.to(clf.device_)) for part in images.split(500)]
    probabilities = torch.cat(outputs).double().exp().cpu().numpy()
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    X, X_test, y, y_test = load_digits(arguments)

    found = {}
    for trained_in in PRECISIONS:
        for seed in arguments.seeds:
            clf = MnistCNNClassifier(
                max_epochs=1, precision=trained_in, random_state=seed
            ).fit(X, y)
            reference = clf.predict_proba(X_test)
            for predicted_in in PRECISIONS:
                probabilities = (
                    reference
                    if predicted_in == "float32"
                    else predict_in_bfloat16(clf, X_test)
                )
                labels = clf.classes_[probabilities.argmax(axis=1)]
                difference = abs(probabilities - reference)
                found.setdefault((trained_in, predicted_in), []).append(
                    {
                        "accuracy_%": 100 * accuracy_score(y_test, labels),
                        "log loss": log_loss(y_test, probabilities),
                        "other labels": (labels != clf.predict(X_test)).sum(),
                        "difference, mean": difference.mean(),
                        "difference, largest": difference.max(),
                    }
                )
    rows = [
        {
            "trained in": trained_in,
            "predicted in": predicted_in,
            **{
                name: float(f"{np.mean([run[name] for run in runs]):.4g}")
                for name in runs[0]
            },
        }
        for (trained_in, predicted_in), runs in found.items()
    ]
    report(arguments, rows)


if __name__ == "__main__":
    main()
