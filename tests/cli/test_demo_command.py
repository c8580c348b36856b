"""`skmnist demo`."""

import pytest

import skmnist
import skmnist.demo


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
    options = ["--detector", tmp_path / "detector", "--pairs", model]
    run("demo", model, "--port", 1234, *options)
    kinds = type(skmnist.load(model)), skmnist.NonDigitDetector
    assert served[1] == ((1, 28, 28), 1234, *kinds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.safetensors"], "does not exist"),
        ([__file__], "not a file of skmnist"),
        (["MODEL", "--port", "65536"], "--port"),
    ],
)
def test_bad_arguments(run, model, arguments, message):
    result = run("demo", *[model if word == "MODEL" else word for word in arguments])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output
