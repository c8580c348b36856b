"""Accuracy of the recipes on the test digits, for several seeds.

    python examples/benchmarks/accuracy.py one-epoch article digits

trains each recipe once for each of `--seeds` and prints the accuracy of each training,
their median and mean, the mean log loss, and the accuracy of a soft vote of the first
five. `--jobs` is the number of trainings that run at the same time, each in its own
process.

one-epoch   the default recipe, one epoch
default     the default recipe with its default number of epochs
former      the default recipe of an earlier version, one epoch
article     `MnistCNNClassifier.with_article_recipe()`, ten epochs
digits      `MnistCNNClassifier.with_digits_recipe()`
"""

import functools
import statistics

import torch
from _common import load_digits, make_parser, report
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import accuracy_score, log_loss

from skmnist import MnistCNNClassifier

RECIPES = {
    "one-epoch": functools.partial(MnistCNNClassifier, max_epochs=1),
    "default": MnistCNNClassifier,
    "former": functools.partial(
        MnistCNNClassifier,
        max_epochs=1,
        optimizer=torch.optim.AdamW,
        lr=0.002,
        batch_size=64,
        label_smoothing=0.0,
    ),
    "article": MnistCNNClassifier.with_article_recipe,
    "digits": MnistCNNClassifier.with_digits_recipe,
}


VOTERS = 5
"""Number of trainings in a vote."""


def score(y, probabilities):
    """Return the accuracy of the labels 0 to 9 with the largest probabilities."""
    return accuracy_score(y, probabilities.argmax(axis=1))


def main():
    parser = make_parser(__doc__)
    parser.add_argument("recipes", nargs="+", choices=RECIPES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, help="epochs of each training")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    X, X_test, y, y_test = load_digits(arguments)
    epochs = {} if arguments.epochs is None else {"max_epochs": arguments.epochs}

    rows = []
    for name in arguments.recipes:
        make = RECIPES[name]
        voting = VotingClassifier(
            [
                (f"seed {seed}", make(random_state=seed, **epochs))
                for seed in arguments.seeds
            ],
            voting="soft",
            n_jobs=arguments.jobs,
        ).fit(X, y)
        probabilities = [clf.predict_proba(X_test) for clf in voting.estimators_]
        scores = [100 * score(y_test, p) for p in probabilities]
        seconds = [sum(clf.history[:, "dur"]) for clf in voting.estimators_]
        rows.append(
            {
                "recipe": name,
                "epochs": voting.estimators_[0].n_iter_,
                **{
                    f"seed {seed}": round(score, 2)
                    for seed, score in zip(arguments.seeds, scores, strict=True)
                },
                "median_%": round(statistics.median(scores), 2),
                "mean_%": round(statistics.mean(scores), 3),
                "log loss": round(
                    statistics.mean(log_loss(y_test, p) for p in probabilities), 4
                ),
                "vote_%": round(100 * score(y_test, sum(probabilities[:VOTERS])), 2),
                "seconds": round(statistics.median(seconds), 1),
            }
        )
    threads = torch.get_num_threads() if arguments.jobs == 1 else 1
    report(arguments, rows, threads_of_each_training=threads)


if __name__ == "__main__":
    main()
