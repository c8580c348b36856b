"""Search for the recipes, on the training digits only.

    python examples/benchmarks/search.py short
    python examples/benchmarks/search.py long

`short` searches the optimizer, the peak learning rate, the batch size and the label
smoothing for one epoch (the default recipe). `long` compares the digits recipe with
its variants and its predecessor. Each candidate is evaluated on a held-out sixth of the
training digits, with `--splits` different splits, by its accuracy and its log loss. The
test digits are not used.

The second table contains, for each value of each parameter, the mean accuracy of all
candidates with this value, which depends less on chance than a single row.
"""

import numpy as np
import pandas
import torch
from _common import load_digits, make_parser, report
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from skmnist import MnistCNNClassifier, RandomAffine
from skmnist.optimizers import MuonAdamW

ADAMW = {"optimizer": [torch.optim.AdamW]}
MUON = {"optimizer": [MuonAdamW]}

SHORT = [
    {**ADAMW, "lr": [0.002], "batch_size": [64], "label_smoothing": [0.0, 0.1]},
    {**MUON, "lr": [0.004], "batch_size": [256], "label_smoothing": [0.0, 0.1, 0.2]},
    {**MUON, "lr": [0.002, 0.008], "batch_size": [256], "label_smoothing": [0.1]},
    {**MUON, "lr": [0.004], "batch_size": [128, 512], "label_smoothing": [0.1]},
]

FORMER = RandomAffine(rotation=15, shift=2, scale=0.15)
SHEARING = RandomAffine(rotation=15, shift=2, scale=0.15, shear=20)
ACCURATE = {
    **MUON,
    "lr": [0.0012],
    "batch_size": [256],
    "label_smoothing": [0.1],
    "augmentation": [SHEARING],
    "module__dropout": [0.3],
}

LONG = [
    ACCURATE,
    {**ACCURATE, "augmentation": [FORMER]},
    {**ACCURATE, "module__dropout": [0.0]},
    {**ACCURATE, "lr": [0.004]},
    {
        **ADAMW,
        "lr": [0.002],
        "batch_size": [128],
        "label_smoothing": [0.0],
        "augmentation": [FORMER],
        "module__dropout": [0.0],
    },
]

STUDIES = {"short": (SHORT, 1, 3), "long": (LONG, 24, 1)}
"""Candidates, number of epochs and number of splits of each study."""


def main():
    parser = make_parser(__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--epochs", type=int, help="number of epochs")
    parser.add_argument("--splits", type=int, help="number of splits")
    parser.add_argument("--jobs", type=int, help="number of single-thread processes")
    arguments = parser.parse_args()
    candidates, epochs, n_splits = STUDIES[arguments.study]

    X, _, y, _ = load_digits(arguments)
    search = GridSearchCV(
        MnistCNNClassifier(max_epochs=arguments.epochs or epochs, random_state=0),
        candidates,
        cv=StratifiedShuffleSplit(
            arguments.splits or n_splits, test_size=1 / 6, random_state=0
        ),
        refit=False,
        scoring=["accuracy", "neg_log_loss"],
        n_jobs=arguments.jobs,
        error_score="raise",
        verbose=3,
    ).fit(X, y)

    found = search.cv_results_
    table = pandas.DataFrame(
        {
            **{
                name.removeprefix("param_").rpartition("__")[2]: [
                    _format_value(value) for value in values
                ]
                for name, values in found.items()
                if name.startswith("param_")
            },
            "accuracy_%": (100 * found["mean_test_accuracy"]).round(3),
            "std": (100 * found["std_test_accuracy"]).round(3),
            "log loss": (-found["mean_test_neg_log_loss"]).round(4),
            "seconds": found["mean_fit_time"].round(1),
        }
    ).sort_values("accuracy_%", ascending=False)
    means = [
        {
            "optimizer": optimizer,
            "parameter": name,
            "value": _format_value(value),  # a NumPy scalar with older pandas
            "mean_accuracy_%": round(group["accuracy_%"].mean(), 3),
            "candidates": len(group),
        }
        for name in table.columns[: -len(("accuracy_%", "std", "log loss", "seconds"))]
        for (optimizer, value), group in table.groupby(["optimizer", name])
        if name != "optimizer"
    ]
    report(arguments, table.to_dict("records"), means=means)
    print()
    print(pandas.DataFrame(means).to_string(index=False))


def _format_value(value):
    """Return a parameter value that JSON can represent."""
    if value is np.ma.masked:
        return "default"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (int, float, str)) else repr(value)


if __name__ == "__main__":
    main()
