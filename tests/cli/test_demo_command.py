"""`skmnist demo`."""

import pytest

import skmnist
import skmnist.demo
from skmnist.datasets import make_touching_digits


def test_demo(run, model, monkeypatch, few, tmp_path):
    """The command serves the models, and prints the address."""
    served = []

    def serve(clf, port, started, *, pair_classifier, detector):
        served.append((clf.image_shape_, port, type(pair_classifier), type(detector)))
        started(f"http://127.0.0.1:{port}/")

    monkeypatch.setattr(skmnist.demo, "serve", serve)
    result = run("demo", model, "--port", 1234)
    assert result.exit_code == 0, result.output
    assert served == [((1, 28, 28), 1234, type(None), type(None))]
    assert (
        result.stdout == "Open http://127.0.0.1:1234/ in a browser (Ctrl-C to stop)\n"
    )
    detector = skmnist.NonDigitDetector(max_epochs=1, random_state=0).fit(*few)
    skmnist.save(detector, tmp_path / "detector")
    pairs = make_touching_digits(*few, n_samples=400, random_state=0)
    clf = skmnist.MnistCNNClassifier(max_epochs=1).fit(pairs.images, pairs.target)
    skmnist.save(clf, tmp_path / "pairs")
    options = ["--detector", tmp_path / "detector", "--pairs", tmp_path / "pairs"]
    run("demo", model, "--port", 1234, *options)
    kinds = skmnist.MnistCNNClassifier, skmnist.NonDigitDetector
    assert served[1] == ((1, 28, 28), 1234, *kinds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.safetensors"], "does not exist"),
        ([__file__], "not a file of skmnist"),
        (["MODEL", "--port", "65536"], "--port"),
        (["MODEL", "--pairs", "MODEL"], "Got a pair_classifier of images of shape"),
        (["MODEL", "--detector", "MODEL"], "Got detector as a MnistCNNClassifier"),
    ],
)
def test_bad_arguments(run, model, arguments, message):
    result = run("demo", *[model if word == "MODEL" else word for word in arguments])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output
