"""`skmnist predict`."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import join_first_column, needs_odd_names
from matplotlib.image import imread
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skmnist
from skmnist import NonDigitDetector
from skmnist.cli._predict import find_pictures
from skmnist.datasets._table import DATASETS


def test_predict(run, model, pictures):
    result = run("predict", model, pictures / "one.png", pictures / "one.jpg")
    assert result.exit_code == 0, result.output
    for name in ("one.png", "one.jpg"):
        assert name in join_first_column(result.stdout)
    predictions = re.findall(r"│   1   │ +(\d+\.\d)% │ +\d, +(\d+\.\d)%", result.stdout)
    assert len(predictions) == 2
    for first, second in predictions:
        assert 50 < float(first) <= 100
        assert 0 <= float(second) < 50


def test_unreadable_files_are_skipped(run, model, pictures):
    result = run("predict", model, pictures, pictures / "missing.png", "--json")
    assert result.exit_code == 1
    predictions = {Path(r["file"]).name: r for r in json.loads(result.stdout)}
    assert list(predictions) == [
        *("blank.png", "damaged.png", "empty.png", "one.jpg", "one.png"),
        "missing.png",
    ]
    for name, prediction in predictions.items():
        assert (prediction["label"] == "1") == name.startswith("one")
        bad = name in ("damaged.png", "empty.png", "missing.png")
        assert (prediction["error"] is not None) == bad
        if bad:
            assert result.stderr.count(f"{name},") == 1
    assert "No digits found" in predictions["blank.png"]["warnings"][0]
    assert "blank.png: No digits found" in result.stderr
    assert "Traceback" not in result.output


def test_several_rows(run, model, pictures, tmp_path):
    sheet = np.full((400, 300), 240, np.uint8)
    for top, left in [(40, 40), (40, 140), (240, 40), (240, 140), (240, 230)]:
        sheet[top : top + 120, left : left + 10] = 30
    Image.fromarray(sheet).save(tmp_path / "rows.png")
    options = ["--json", "--explain", tmp_path / "out"]
    result = run("predict", model, tmp_path / "rows.png", *options)
    assert result.exit_code == 0, result.output
    (prediction,) = json.loads(result.stdout)
    assert prediction["label"] == "11\n111"
    assert [digit["label"] for digit in prediction["digits"]] == ["1"] * 5
    assert [digit["row"] for digit in prediction["digits"]] == [0, 0, 1, 1, 1]
    left, top, right, bottom = prediction["digits"][4]["box"]
    assert abs(np.subtract((left, top, right, bottom), (230, 240, 240, 360))).max() < 4
    least = min(prediction["digits"], key=lambda digit: digit["probability"])
    for name in ("probability", "runner_up", "runner_up_probability"):
        assert prediction[name] == least[name]
    height, width, _ = imread(tmp_path / "out" / "001-rows.png.png").shape
    assert height > width  # the picture, not the grid of its steps
    result = run("predict", model, tmp_path / "rows.png", pictures / "one.png")
    assert re.search(r"│ +11 +│.*\n.*│ +111 +│", result.stdout)


def test_detector(run, model, pictures, few, tmp_path):
    X, y = few
    detector = NonDigitDetector(max_epochs=1, random_state=0).fit(X, y)
    detector.offset_ = 1000.0  # more than any image
    skmnist.save(detector, tmp_path / "detector")
    options = ["--detector", tmp_path / "detector"]
    result = run("predict", model, pictures / "one.png", *options, "--json")
    assert result.exit_code == 0, result.output
    (prediction,) = json.loads(result.stdout)
    assert prediction["digits"][0]["digit_score"] < 0
    assert "not look like a digit" in prediction["warnings"][-1]
    assert "one.png: What is read as 1 at" in result.stderr
    result = run("predict", model, pictures, "--detector", tmp_path / "missing")
    assert result.exit_code == 2
    assert "does not exist" in re.sub(r"[│\s]+", " ", result.output)


def test_predict_patterns_and_explanations(run, model, pictures, tmp_path):
    out = tmp_path / "deep" / "explained"
    options = ["--explain", out, "--json"]
    result = run("predict", model, f"{pictures}/*.[jp][pn]g", *options)
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)) == 5
    assert {path.name for path in out.iterdir()} == {
        *("001-blank.png.png", "004-one.jpg.png", "005-one.png.png"),
    }
    assert imread(out / "004-one.jpg.png")[..., :3].std() > 0.1


def test_find_pictures(tmp_path):
    names = ["a.png", "B.PNG", "c.Jpg", "d.txt", "e.TIFF", "f.heic", "png"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    expected = [str(tmp_path / name) for name in ("B.PNG", "a.png", "c.Jpg", "e.TIFF")]
    assert find_pictures([str(tmp_path)]) == expected
    # a file that is given twice is listed once, at its first position
    first = str(tmp_path / "c.Jpg")
    several = [first, str(tmp_path), f"{tmp_path}/*.png", first]
    others = [name for name in expected if name != first]
    assert find_pictures(several) == [first, *others, str(tmp_path / "folder.png")]
    missing = str(tmp_path / ("x" * 300 + ".png"))  # too long for a file name
    assert find_pictures([missing, first]) == [missing, first]
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        find_pictures([missing, str(tmp_path / "missing.png")])


@needs_odd_names
@pytest.mark.parametrize("name", ["x" * 246 + ".png", "ü" * 125 + ".png", "é.png"])
def test_names_of_explanations(run, model, pictures, tmp_path, name):
    path = tmp_path / name
    path.write_bytes((pictures / "one.png").read_bytes())
    arguments = [path, pictures / "one.png", "--explain", tmp_path / "explained"]
    result = run("predict", model, *arguments)
    assert result.exit_code == 0, result.output
    first, second = sorted(file.name for file in (tmp_path / "explained").iterdir())
    assert first.startswith(f"001-{name[:90]}")
    assert first.endswith(".png")
    assert second == "002-one.png.png"


@pytest.mark.skipif(
    sys.platform != "linux", reason="file names are always valid text there"
)
def test_file_names_that_are_not_valid_text(run, model, pictures, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes((pictures / "one.png").read_bytes())
    missing = tmp_path / os.fsdecode(b"no\xff.png")
    result = run("predict", model, path, missing, "--explain", tmp_path / "out")
    assert result.exit_code == 1
    assert r"caf\udce9.png" in join_first_column(result.stdout)
    assert f"Error: Got {tmp_path}{os.sep}no\\udcff.png, but there" in result.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["001-caf.png.png"]
    result = run("predict", model, path, missing, "--json")
    predictions = json.loads(result.stdout)
    assert [prediction["file"] for prediction in predictions] == [
        str(path),
        str(missing),
    ]
    assert [prediction["label"] for prediction in predictions] == ["1", None]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_named_pipes_are_not_read(run, model, pictures):
    os.mkfifo(pictures / "pipe.png")
    result = run("predict", model, pictures)
    assert "pipe.png, which is not a regular file" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.safetensors", __file__], "does not exist"),
        ([__file__, __file__], "not a file of skmnist"),
        (["MODEL", "x.png", "y.png"], "Got x.png, y.png, but there is no such file"),
        (["MODEL", "no-*.png"], "no pictures were found there"),
        (["MODEL", "FOLDER"], "no pictures were found there"),
    ],
)
def test_predict_without_model_or_pictures(run, model, tmp_path, arguments, message):
    arguments = [{"MODEL": model, "FOLDER": tmp_path}.get(a, a) for a in arguments]
    result = run("predict", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_predict_with_another_kind_of_model(run, small, few, digits, tmp_path):
    X, y = few
    clothes = np.array(DATASETS["fashion_mnist"].target_names)
    for clf, message in (
        (small(max_epochs=1).fit(*digits), "images of shape (1, 8, 8)"),
        (small(max_epochs=1).fit(X / 255, y), "from 0 to 255"),
        (small(max_epochs=1).fit(X, clothes[y]), "trained on Fashion-MNIST"),
    ):
        path = tmp_path / "other.safetensors"
        skmnist.save(clf, path)
        for command in (["predict", path, __file__], ["demo", path]):
            result = run(*command)
            assert result.exit_code == 1
            assert message in result.output.replace("\n", " ")


def test_pipelines_are_refused(run, tmp_path, small, few, pictures):
    pipeline = make_pipeline(MinMaxScaler(), small()).fit(*few)
    skmnist.save(pipeline, tmp_path / "model")
    result = run("predict", tmp_path / "model", pictures)
    assert result.exit_code == 1
    assert "Got a model of type Pipeline" in result.output
