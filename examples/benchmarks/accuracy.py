"""Accuracy of the recipes on the test digits, for several seeds.

    python examples/benchmarks/accuracy.py one-epoch article accurate

trains each recipe once for each of `--seeds` and prints the accuracy of each training,
their median, and the accuracy of a soft vote of all of them. `--jobs` is the number of
trainings that run at the same time, each in its own process.

one-epoch   the default recipe, one epoch
default     the default recipe with its default number of epochs
article     `MnistCNNClassifier.with_article_recipe()`, ten epochs
accurate    `MnistCNNClassifier.with_accurate_recipe()`
"""

import functools
import statistics

import torch
from _common import load_digits, make_parser, report
from sklearn.ensemble import VotingClassifier

from skmnist import MnistCNNClassifier

RECIPES = {
    "one-epoch": functools.partial(MnistCNNClassifier, max_epochs=1),
    "default": MnistCNNClassifier,
    "article": MnistCNNClassifier.with_article_recipe,
    "accurate": MnistCNNClassifier.with_accurate_recipe,
}


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
        scores = [100 * clf.score(X_test, y_test) for clf in voting.estimators_]
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
                "vote_%": round(100 * voting.score(X_test, y_test), 2),
                "seconds": round(statistics.median(seconds), 1),
            }
        )
    threads = torch.get_num_threads() if arguments.jobs == 1 else 1
    report(arguments, rows, threads_of_each_training=threads)


if __name__ == "__main__":
    main()
