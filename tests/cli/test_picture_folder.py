"""`skmnist train --data FOLDER` and `skmnist predict` with its model."""

import json
import os
import re
import shutil

import numpy as np
import pytest
import sklearn
from cli_helpers import FILES, join_first_column
from matplotlib.image import imread
from PIL import Image
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

import skmnist
from skmnist.cli import _progress, app
from skmnist.cli._picture_folder import hold_out
from skmnist.cli._report import _make_plot_names
from skmnist.datasets import load_image_folder
from skmnist.preprocessing import DigitPreprocessor, ImageResizer

OPTIONS = ["--recipe", "article", "--epochs", 1, "--seed", 1]


def make_pictures(folder, n, names=("left", "top"), size=None, mode="RGB"):
    """Draw pictures whose left or upper half is light."""
    generator = np.random.default_rng(0)
    for position, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(n):
            height, width = size or generator.integers(20, 60, 2)
            values = generator.integers(0, 90, (height, width, 3), dtype=np.uint8)
            part = np.s_[:, : width // 2] if position % 2 == 0 else np.s_[: height // 2]
            values[part] += 150
            suffix = "png" if number % 2 else "jpg"
            image = Image.fromarray(values).convert(mode)
            image.save(folder / name / f"{number}.{suffix}")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("data") / "photos", 20)


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    """The output folder of a training on pictures of several sizes, and its text."""
    out = tmp_path_factory.mktemp("out") / "run"
    options = ["--image-size", 16, "--epochs", 20, "--recipe", "default", "--out", out]
    arguments = ["train", "--data", photos, *options]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return out, result.output


def test_train(photos, trained):
    out, text = trained
    assert {path.name for path in out.iterdir()} == FILES
    assert f"pictures in {photos}, as RGB images of 16x16 pixels" in text
    assert "32 to train on, 8 held out" in text
    report = json.loads((out / "report.json").read_text())
    assert report["data"]["name"] == str(photos)
    assert [*report["roc_auc"]] == ["left", "top"]
    assert np.sum(report["confusion_matrix"], axis=1).tolist() == [4, 4]
    for name in FILES:
        if name.endswith(".png"):
            assert imread(out / name)[..., :3].std() > 0.02
    # the same images in memory give the same model and scores
    model = skmnist.load(out / "model.safetensors")
    pictures = load_image_folder(photos, image_shape=(3, 16, 16))
    y = pictures.target_names[pictures.target]
    is_test = hold_out(pictures.target, pictures.target_names)
    clf = skmnist.MnistCNNClassifier(max_epochs=20, random_state=0)
    clf.fit(pictures.images[~is_test], y[~is_test])
    expected = clf.predict_proba(pictures.images)
    assert np.array_equal(model.predict_proba(pictures.filenames), expected)
    assert report["accuracy"] == clf.score(pictures.images[is_test], y[is_test])
    assert report["accuracy"] > 0.8


def test_predict(run, photos, trained, tmp_path):
    """Pictures are resized as they were for the training."""
    out, _ = trained
    model = out / "model.safetensors"
    make_pictures(tmp_path / "new", 3)
    paths = sorted((tmp_path / "new").glob("*/*"))
    (tmp_path / "new" / "top" / "damaged.png").write_text("x")
    folders = [tmp_path / "new" / name for name in ("left", "top")]
    explained = tmp_path / "explained"
    result = run("predict", model, *folders, "--json", "--explain", explained)
    assert result.exit_code == 1
    predictions = {p["file"]: p for p in json.loads(result.stdout)}
    damaged = predictions.pop(str(tmp_path / "new" / "top" / "damaged.png"))
    assert damaged["label"] is None
    assert "damaged.png, which cannot be read" in damaged["error"]
    assert [*predictions] == [str(path) for path in paths]
    expected = skmnist.load(model).predict_proba(paths)
    for prediction, probabilities in zip(predictions.values(), expected, strict=True):
        assert prediction["probability"] == probabilities.max()
        assert {prediction["label"], prediction["runner_up"]} == {"left", "top"}
        assert prediction["warnings"] == []
        assert prediction["error"] is None
    assert len([*explained.iterdir()]) == len(paths)
    for path in explained.iterdir():
        assert imread(path)[..., :3].std() > 0.02

    result = run("predict", model, *paths)
    assert result.exit_code == 0
    for path in paths:
        assert str(path).replace(" ", "") in join_first_column(result.stdout)


def test_classifiers_of_colour_images(run, photos, trained, tmp_path):
    """Without recorded preprocessing, pictures are resized to the shape of theirs."""
    out, _ = trained
    model = skmnist.load(out / "model.safetensors")
    skmnist.save(model[-1], tmp_path / "classifier")
    arguments = [photos / "left", "--json"]
    expected = run("predict", out / "model.safetensors", *arguments)
    found = run("predict", tmp_path / "classifier", *arguments)
    assert found.exit_code == 0
    assert json.loads(found.stdout) == json.loads(expected.stdout)


def test_a_pipeline_with_other_steps(run, few, small, tmp_path, pictures):
    """The preprocessing is that of the pipeline."""
    X, y = few
    resizer = ImageResizer((1, 28, 28))
    for preprocessor in (DigitPreprocessor(polarity="light"), resizer):
        model = make_pipeline(preprocessor, small(max_epochs=1).fit(X, y))
        skmnist.save(model, tmp_path / "model")
        result = run("predict", tmp_path / "model", pictures / "one.jpg", "--json")
        (prediction,) = json.loads(result.stdout)
        probabilities = model.predict_proba([pictures / "one.jpg"])
        assert prediction["probability"] == probabilities.max()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_one_size(run, tmp_path, mode):
    folder = make_pictures(tmp_path / "data", 5, size=(18, 17), mode=mode)
    result = run("train", "--data", folder, *OPTIONS, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    color = "grey" if mode == "L" else "RGB"
    assert f"as {color} images of 17x18 pixels" in result.output
    model = skmnist.load(tmp_path / "out" / "model.safetensors")
    assert model[0].image_shape == (1 if mode == "L" else 3, 18, 17)


def test_names_of_data_sets_come_first(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_pictures(tmp_path / "usps", 3, size=(16, 16))
    arguments = [*OPTIONS, "--data-home", tmp_path / "home", "--out", tmp_path / "out"]

    def fetch(**_):
        raise OSError("No USPS")

    monkeypatch.setattr(skmnist.datasets, "fetch_usps", fetch)
    assert "Error: No USPS" in run("train", "--data", "usps", *arguments).output
    result = run("train", "--data", "./usps", *arguments)
    assert result.exit_code == 0, result.output
    assert f"pictures in {tmp_path / 'usps'}," in result.output


def test_unreadable_files_are_named(run, tmp_path):
    folder = make_pictures(tmp_path / "data", 3, size=(16, 16))
    (folder / "left" / "x.png").write_text("x")
    result = run("train", "--data", folder, *OPTIONS, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("x.png, which cannot be read") == 1
    assert "4 to train on, 2 held out" in result.stdout


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"size": None}, [], "several sizes.*such as --image-size 32"),
        ({"size": (20, 200)}, [], r"200x20 pixels.*--image-size 32 \(or .* 200\)"),
        ({"names": ["cat"]}, [], "one class, cat; expected .* at least two"),
        ({"n": 1}, [], "one picture of the class left"),
        ({"n": 0}, [], "left has no pictures that can be read"),
    ],
)
def test_bad_folders(run, tmp_path, change, options, message):
    """An error without a traceback, and no files."""
    make_pictures(tmp_path / "data", **{"n": 4, "size": (16, 16), **change})
    out = tmp_path / "out"
    result = run("train", "--data", tmp_path / "data", *OPTIONS, *options, "--out", out)
    assert result.exit_code == 1
    assert re.search(message, result.output.replace("\n", " "))
    assert "Traceback" not in result.output
    assert not out.exists()


def test_resume(run, tmp_path, monkeypatch):
    """Also from another working directory; changed pictures are an error."""

    class Killed(BaseException):
        """An exception that nothing catches, like SIGKILL."""

    def die(self, net, **kwargs):
        if len(net.history) == 2:
            raise Killed

    folder = make_pictures(tmp_path / "data", 6)
    monkeypatch.chdir(tmp_path)
    options = [*OPTIONS, "--epochs", 3, "--image-size", 16]
    assert run("train", "--data", "data", *options, "--out", "whole").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(_progress.TrainingProgress, "on_batch_end", die)
        with pytest.raises(Killed):
            run("train", "--data", "data", *options, "--out", "out")
    shutil.copytree("out", "other")
    monkeypatch.chdir(folder)
    result = run("train", "--resume", tmp_path / "out")
    assert result.exit_code == 0, result.output
    models = [
        skmnist.load(tmp_path / name / "model.safetensors") for name in ("whole", "out")
    ]
    paths = load_image_folder(folder, image_shape=(3, 16, 16)).filenames
    assert np.array_equal(*(model.predict_proba(paths) for model in models))
    os.remove(folder / "left" / "0.jpg")
    result = run("train", "--resume", tmp_path / "other")
    assert result.exit_code == 1
    assert "holds a training with other images" in result.output


def test_hold_out():
    generator = np.random.default_rng(0)
    for counts in ([2, 1000], [5, 10, 500], [50] * 30):
        target = generator.permutation(np.repeat(np.arange(len(counts)), counts))
        is_test = hold_out(target, np.arange(len(counts)))
        held_out = np.bincount(target[is_test], minlength=len(counts))
        assert held_out.tolist() == [max(1, round(n / 5)) for n in counts]
        assert np.array_equal(is_test, hold_out(target, np.arange(len(counts))))


def test_names_in_plots():
    """They are distinct, short and can be drawn, whatever the names are."""
    names = ["x" * 200, "x" * 199 + "y", "$a$", "_b", "猫", "чай", "🐈", "a\nb"]
    names += ["class 4", "class 10", "猫猫"]
    found = _make_plot_names(np.array(names))
    assert len({*found}) == len(names)
    assert max(map(len, found)) <= 18
    assert found[2:4].tolist() == [r"\$a\$", " _b"]
    assert found[5] == "чай"
    assert _make_plot_names(np.arange(10)).tolist() == list("0123456789")


@pytest.mark.parametrize(
    "names", [["猫", "_犬", "$a$ $b$"], [f"{i} 类" for i in range(22)]]
)
def test_names_of_any_kind(run, tmp_path, names):
    folder = make_pictures(tmp_path / "data", 2, names, size=(16, 16))
    result = run("train", "--data", folder, *OPTIONS, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [*report["roc_auc"]] == sorted(names)
    arguments = [folder / names[0], "--json"]
    result = run("predict", tmp_path / "out" / "model.safetensors", *arguments)
    assert json.loads(result.stdout)[0]["label"] in names


def test_pictures_that_do_not_fit_into_memory(run, photos, trained, tmp_path):
    """They are read in batches, with the same result."""
    options = ["--image-size", 16, "--epochs", 20, "--recipe", "default"]
    with sklearn.config_context(working_memory=0):
        result = run("train", "--data", photos, *options, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    reports = [
        json.loads((out / "report.json").read_text())
        for out in (tmp_path / "out", trained[0])
    ]
    assert reports[0]["confusion_matrix"] == reports[1]["confusion_matrix"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
