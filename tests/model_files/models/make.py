"""Write the model file that every later version must be able to load.

    python tests/model_files/models/make.py

makes `format-1.safetensors` and, for the test, `format-1.json`: the parameters, and
what the model says of the first digits. Once written they are never made anew; another
format gets files of its own.
"""

import json
from pathlib import Path

from sklearn.datasets import load_digits

import skmnist

FOLDER = Path(__file__).parent
NAME = "format-1"


def main():
    X, y = load_digits(return_X_y=True)
    clf = skmnist.MnistCNNClassifier.with_article_recipe(
        max_epochs=8,
        random_state=0,
        augmentation=skmnist.RandomAffine(rotation=5.0, shift=0.5, scale=0.1),
        early_stopping=True,
        class_weight={"three": 2.0},
        module__channels=(4, 8),
        module__hidden_units=32,
        optimizer__momentum=0.9,
    )
    names = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
    ]
    clf.fit(X.reshape(-1, 8, 8), [names[digit] for digit in y])
    for suffix in (".safetensors", ".json"):
        if (FOLDER / (NAME + suffix)).exists():
            raise FileExistsError(f"{NAME}{suffix} is there; it must stay as it is.")
    skmnist.save(clf, FOLDER / f"{NAME}.safetensors")
    expected = {
        "parameters": {
            name: value if isinstance(value, (int, float, str)) else str(value)
            for name, value in clf.get_params(deep=False).items()
            if name != "callbacks"
        },
        "loss_curve": clf.loss_curve_,
        "validation_scores": clf.validation_scores_,
        "classes": clf.classes_.tolist(),
        "probabilities": clf.predict_proba(X[:5]).tolist(),
        "score": clf.score(X, [names[digit] for digit in y]),
    }
    (FOLDER / f"{NAME}.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
