"""Write the model files that every later version must be able to load.

    python tests/model_files/models/make.py

writes `format-2.safetensors` and, for the test, `format-2.json`: the parameters, and
the predictions for the first digits; the same for a pipeline. The files are never
regenerated: another format gets its own. Those of format 1 come from an earlier version
of this script.
"""

import json
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skmnist

FOLDER = Path(__file__).parent
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def make_classifier():
    return skmnist.MnistCNNClassifier.with_article_recipe(
        max_epochs=8,
        random_state=0,
        augmentation=skmnist.RandomAffine(rotation=5.0, shift=0.5, scale=0.1),
        early_stopping=True,
        class_weight={"three": 2.0},
        module__channels=(4, 8),
        module__hidden_units=32,
        optimizer__momentum=0.9,
    )


def write(name, model, X, y):
    for suffix in (".safetensors", ".json"):
        if (FOLDER / (name + suffix)).exists():
            raise FileExistsError(f"{name}{suffix} exists, and must not change.")
    model.fit(X, y)
    clf = model[-1] if isinstance(model, Pipeline) else model
    skmnist.save(model, FOLDER / f"{name}.safetensors")
    expected = {
        "parameters": {
            name: value if isinstance(value, (int, float, str)) else str(value)
            for name, value in clf.get_params(deep=False).items()
            if name != "callbacks"
        },
        "loss_curve": clf.loss_curve_,
        "validation_scores": clf.validation_scores_,
        "classes": clf.classes_.tolist(),
        "probabilities": model.predict_proba(X[:5]).tolist(),
        "score": model.score(X, y),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")


def main():
    X, y = load_digits(return_X_y=True)
    y = [NAMES[digit] for digit in y]
    write("format-2", make_classifier(), X, y)
    steps = [MinMaxScaler(), StandardScaler(), make_classifier()]
    write("format-2-pipeline", make_pipeline(*steps), X, y)


if __name__ == "__main__":
    main()
