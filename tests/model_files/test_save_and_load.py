"""`save` and `load`."""

import json
import os
import platform
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import safetensors
import torch
from fitted_classifiers import (
    KINDS,
    NAMES,
    OwnClassifier,
    OwnNetwork,
    as_text,
    augmented,
    default,
    small_squares,
    stopping_early,
    with_momentum,
)
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import EarlyStopping, EpochScoring

import skmnist
from skmnist import MnistCNNClassifier, RandomAffine
from skmnist._safe_file import read_safe_file, write_safe_file
from skmnist.classifiers import ImageClassifier

MODELS = Path(__file__).parent / "models"


def same(first, second):
    """Whether two values of a parameter are equal; instances by their content."""
    if isinstance(first, (list, tuple)):
        return (
            type(first) is type(second)
            and len(first) == len(second)
            and all(same(*pair) for pair in zip(first, second, strict=True))
        )
    if hasattr(first, "__dict__") and not isinstance(first, type):
        public = [
            {k: v for k, v in vars(value).items() if not k.endswith("_")}
            for value in (first, second)
        ]
        return type(first) is type(second) and public[0] == public[1]
    return first == second


@pytest.mark.parametrize("make", KINDS)
def test_round_trip(few, small, path, make):
    clf = make(few, small)
    rows = np.zeros((3, clf.n_features_in_)) + np.arange(clf.n_features_in_) % 32
    if hasattr(clf, "feature_names_in_"):
        rows = pd.DataFrame(rows, columns=clf.feature_names_in_)
    assert skmnist.save(clf, path) is None
    random_state = torch.get_rng_state()
    loaded = skmnist.load(path)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert type(loaded) is MnistCNNClassifier

    parameters, expected = loaded.get_params(deep=False), clf.get_params(deep=False)
    assert parameters.keys() == expected.keys()
    for name, value in expected.items():
        assert same(parameters[name], value), name
    assert (loaded.predict_proba(rows) == clf.predict_proba(rows)).all()
    assert loaded.predict(rows).tolist() == clf.predict(rows).tolist()
    assert loaded.classes_.tolist() == clf.classes_.tolist()
    assert loaded.classes_.dtype.kind == clf.classes_.dtype.kind
    assert loaded.history == clf.history
    assert loaded.loss_curve_ == clf.loss_curve_
    assert loaded.validation_scores_ == clf.validation_scores_
    assert loaded.best_validation_score_ == clf.best_validation_score_
    for name in (
        *("image_shape_", "n_features_in_", "pixel_range_", "precision_", "n_iter_"),
        "_layout",
    ):
        assert getattr(loaded, name) == getattr(clf, name)
    for name in ("pixel_mean_", "pixel_std_", "feature_names_in_"):
        if hasattr(clf, name):
            assert getattr(loaded, name).tolist() == getattr(clf, name).tolist()
    assert loaded.device_ == torch.device("cpu")

    first = path.read_bytes()
    skmnist.save(loaded, path)
    assert path.read_bytes() == first
    assert "Not fitted" in repr(clone(loaded)._repr_html_())


def test_loaded_classifier_can_be_trained_and_cloned(few, small, path):
    X, y = few
    clf = small(warm_start=True).fit(X, y)
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    clf.fit(X, y), loaded.fit(X, y)
    assert loaded.n_iter_ == clf.n_iter_ == 4
    loaded.partial_fit(X, y)
    assert loaded.n_iter_ == 5
    retrained = [
        clone(estimator).fit(X, y).predict_proba(X) for estimator in (loaded, clf)
    ]
    assert np.array_equal(*retrained)


def test_float64_weights_stay(few, small, path):
    torch.set_default_dtype(torch.float64)
    try:
        clf = small().fit(*few)
    finally:
        torch.set_default_dtype(torch.float32)
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    for name, values in clf.module_.state_dict().items():
        assert torch.equal(loaded.module_.state_dict()[name], values)


def test_batch_interrupted_by_ctrl_c_is_dropped(few, small, path):
    clf = small().fit(*few)
    clf.history.new_batch()
    skmnist.save(clf, path)
    assert skmnist.load(path).history[-1, "batches"] == clf.history[-1, "batches"][:-1]


@pytest.mark.filterwarnings("default")  # torch's compiler warns about itself
def test_compiled_network_is_saved_without_its_wrapper(few, small, path):
    clf = small(compile=True, compile__backend="eager").fit(*few)
    del clf.compile__backend
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    X, _ = few
    assert np.allclose(loaded.predict_proba(X), clf.predict_proba(X), atol=1e-6)


IN_ANOTHER_PROCESS = """
import sys, numpy as np, torch, skmnist
torch.set_num_threads(int(sys.argv[1]))
for name in sys.argv[2:]:
    clf = skmnist.load(name)
    np.save(name + "-probabilities.npy", clf.predict_proba(np.load(name + "-X.npy")))
    skmnist.save(clf, name + "-again")
"""


@pytest.mark.parametrize("further_threads", [0, 1])
def test_in_another_process(few, small, tmp_path, further_threads):
    models = {}
    for make in (
        default,
        as_text,
        small_squares,
        with_momentum,
        stopping_early,
        augmented,
    ):
        clf, name = make(few, small), make.__name__
        skmnist.save(clf, tmp_path / name)
        X = np.random.default_rng(0).integers(0, 17, (50, clf.n_features_in_), np.uint8)
        np.save(tmp_path / f"{name}-X.npy", X)
        models[name] = clf.predict_proba(X)
    n_threads = str(torch.get_num_threads() + further_threads)
    subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_ANOTHER_PROCESS, n_threads, *models],
        cwd=tmp_path,
        check=True,
    )
    for name, expected in models.items():
        probabilities = np.load(tmp_path / f"{name}-probabilities.npy")
        difference = abs(probabilities - expected).max()
        assert difference <= (1e-6 if further_threads else 0)
        again = tmp_path / f"{name}-again"
        assert again.read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["format-1", "format-2", "format-2-pipeline"])
def test_reference_file(name):
    """All later versions must load it: the files are never regenerated."""
    expected = json.loads((MODELS / f"{name}.json").read_text())
    model = skmnist.load(MODELS / f"{name}.safetensors")
    clf = model[-1] if name.endswith("pipeline") else model
    parameters = clf.get_params(deep=False)
    defaults = MnistCNNClassifier().get_params(deep=False)
    for name, value in expected["parameters"].items():
        found = parameters[name]
        # classes of this package have moved since
        moved = str(value).startswith("<class 'skmnist.") and found is defaults[name]
        if isinstance(found, RandomAffine):  # shear came later
            found = str(found).replace(", shear=0.0", "")
        assert moved or found == value or str(found) == value, name
    assert clf.label_smoothing == 0  # it came later, too
    ((name, callback),) = clf.callbacks
    assert (name, type(callback)) == ("train_acc_epoch_end", EpochScoring)
    X, y = load_digits(return_X_y=True)
    assert clf.classes_.tolist() == expected["classes"]
    assert clf.loss_curve_ == expected["loss_curve"]
    assert clf.validation_scores_ == expected["validation_scores"]
    assert np.allclose(model.predict_proba(X[:5]), expected["probabilities"], atol=1e-5)
    assert model.score(X, NAMES[y]) == pytest.approx(expected["score"], abs=0.002)
    assert expected["score"] > 0.9


def test_file_is_safetensors_without_paths(few, small, path):
    clf = small().fit(*few)
    skmnist.save(clf, path)
    with safetensors.safe_open(path, "pt") as file:
        assert list(file.metadata()) == ["skmnist"]
        metadata = json.loads(file.metadata()["skmnist"])
        weights = file.get_tensor("network.fc2.weight")
    assert torch.equal(weights, clf.module_.fc2.weight)
    assert metadata["versions"].keys() >= {"skmnist", "torch", "skorch", "python"}
    assert len(metadata["sha256"]) == 64
    content = path.read_bytes()
    for name in (os.getcwd(), os.path.expanduser("~"), platform.node()):
        # weights may contain the letters of a short name by chance
        assert len(name) < 5 or name.encode() not in content


CALLBACK = EarlyStopping("train_loss")


ACCURACY = EpochScoring(lambda *_: 0.0, name="x")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("augmentation", {"augmentation": lambda images: images}),
        ("module", {"module": OwnNetwork}),
        ("module", {"module": OwnNetwork()}),
        ("random_state", {"random_state": np.random.RandomState(0)}),
        ("callbacks[1].scoring", {"callbacks": [CALLBACK, ACCURACY]}),
        ("torch_load_kwargs", {"torch_load_kwargs": {"weights_only": True}}),
        ("callbacks[0].sink", {"callbacks": [EarlyStopping("train_loss", sink=str)]}),
    ],
)
def test_error_names_what_a_file_cannot_hold(few, small, path, name, parameters):
    if "module" in parameters:
        clf = MnistCNNClassifier(max_epochs=1, **parameters).fit(*few)
    else:
        clf = small(**parameters).fit(*few)
    path.write_text("kept")
    with pytest.raises(TypeError, match="Got " + name.replace("[", r"\[")) as error:
        skmnist.save(clf, path)
    assert "before saving" in str(error.value)
    assert path.read_text() == "kept"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("function", [skmnist.save, skmnist.to_onnx])
def test_not_a_fitted_classifier(few, small, path, function):
    X, y = few
    with pytest.raises(NotFittedError):
        function(small(), path)
    search = GridSearchCV(small(max_epochs=1), {"lr": [0.001]}, cv=2).fit(X, y)
    for other, message in (
        (search, r"Got a GridSearchCV.*search\.best_estimator_"),
        (3, "Got a int"),
        (MnistCNNClassifier, "Got a ABCMeta|Got a type"),
    ):
        with pytest.raises(TypeError, match=message):
            function(other, path)
    assert os.listdir(path.parent) == []


def test_own_classifiers_are_not_saved(few, path):
    for own in (OwnClassifier(max_epochs=1), ImageClassifier(OwnNetwork, max_epochs=1)):
        with pytest.raises(
            TypeError, match=r"holds no classes of your own: use pickle"
        ):
            skmnist.save(own.fit(*few), path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("function", [skmnist.save, skmnist.to_onnx])
def test_path_that_cannot_be_written(few, small, tmp_path, function):
    clf = small(max_epochs=1).fit(*few)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        function(clf, tmp_path / "missing" / "model")
    with pytest.raises(IsADirectoryError, match="expected the name of a file"):
        function(clf, tmp_path)
    assert os.listdir(tmp_path) == []


def test_trimmed_for_prediction(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    clf.trim_for_prediction()
    with pytest.raises(ValueError, match=r"trimmed for prediction.*Save it before"):
        skmnist.save(clf, path)
    assert os.listdir(path.parent) == []
    skmnist.to_onnx(clf, path)  # needs the network only
    assert os.listdir(path.parent) == [path.name]


def test_options_that_could_start_programs_are_refused(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    for name, value in (
        ("compile__options", {"cpp.cxx": ("gcc",)}),
        ("compile__backend", "eager"),
        ("iterator_valid__multiprocessing_context", "spawn"),
    ):
        clf.set_params(**{name: value})
        with pytest.raises(TypeError, match=f"Got {name}=.*del clf.{name}"):
            skmnist.save(clf, path)
        delattr(clf, name)
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    assert loaded.get_params(deep=False) == clf.get_params(deep=False)


def test_loaded_network_is_not_compiled_before_fit(few, small, path):
    clf = small(max_epochs=1).fit(*few).set_params(compile=True, compile__dynamic=True)
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    assert loaded.compile is True
    assert type(loaded.module_) is type(clf.module_)
    assert (loaded.predict_proba(few[0]) == clf.predict_proba(few[0])).all()


def test_saved_on_a_machine_with_another_device(few, small, path):
    clf = small(max_epochs=1).fit(*few).set_params(device="cuda:7")
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    assert loaded.device == "cuda:7"
    assert loaded.device_ == torch.device("cpu")
    assert (loaded.predict(few[0]) == clf.predict(few[0])).all()


def test_parameters_set_after_fit(few, small, path):
    clf = small(max_epochs=1, module__dropout=0.25).fit(*few)
    expected = clf.predict_proba(few[0])
    clf.set_params(module__hidden_units=64, module__channels=(5, 5), max_epochs=7)
    del clf.module__dropout
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    assert loaded.get_params(deep=False) == clf.get_params(deep=False)
    assert (loaded.predict_proba(few[0]) == expected).all()
    assert loaded.module_.dropout.p == 0.25
    for wrong in ({"lr": -1}, {"criterion__weight": [1.0]}, {"module__warp": 1}):
        name = next(iter(wrong))
        before = getattr(clf, name, None)
        clf.set_params(**wrong)
        with pytest.raises(ValueError, match="could not be loaded again"):
            skmnist.save(clf, path)
        if before is None:
            delattr(clf, name)
        else:
            clf.set_params(**{name: before})
    clf.note = "monday"
    with pytest.raises(ValueError, match="attributes of your own"):
        skmnist.save(clf, path)


def test_callback_with_any_name(few, small, path):
    accuracy = EpochScoring(
        "accuracy", name="acc_batches", on_train=True, lower_is_better=False
    )
    clf = small(callbacks=[accuracy]).fit(*few)
    skmnist.save(clf, path)
    assert skmnist.load(path).history == clf.history


def test_long_stream_of_chunks(few, small, path):
    X, y = few
    clf = small(batch_size=10)
    for i in range(800):
        clf.partial_fit(X[: 10 + 10 * (i % 7)], y[: 10 + 10 * (i % 7)], range(10))
    skmnist.save(clf, path)
    assert skmnist.load(path).history == clf.history


def test_history_with_entries_that_are_not_numbers(few, small, path):
    clf = small().fit(*few)
    clf.history.record("note", "good")
    with pytest.raises(TypeError, match="note='good' in the history"):
        skmnist.save(clf, path)


def test_feature_names_that_are_too_long(few, small, path):
    X, y = few
    columns = [f"{'very ' * 200}long name {i}" for i in range(784)]
    clf = small(max_epochs=1).fit(pd.DataFrame(X, columns=columns), y)
    with pytest.raises(ValueError, match="Shorten them"):
        skmnist.save(clf, path)
    assert os.listdir(path.parent) == []


def test_file_has_the_usual_permissions(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    skmnist.save(clf, path)
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_full_disk_keeps_the_old_file(few, small, path, monkeypatch):
    clf = small(max_epochs=1).fit(*few)
    skmnist.save(clf, path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        skmnist.save(clf.partial_fit(*few), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_no_file_is_written_elsewhere(few, small, path, monkeypatch):
    """Renaming works only within a file system."""
    clf = small(max_epochs=1).fit(*few)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(path.parent / "on another disk"))
        skmnist.save(clf, path)
    assert os.listdir(path.parent) == [path.name]


def test_not_a_model_file(few, small, tmp_path, path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        skmnist.load(path)
    with pytest.raises(ValueError, match="not a regular file"):
        skmnist.load(tmp_path)
    with pytest.raises(ValueError, match="not a regular file"):
        skmnist.load("/dev/zero")
    clf = small(max_epochs=1).fit(*few)
    joblib.dump(clf, path)
    with pytest.raises(ValueError, match="pickles are not read"):
        skmnist.load(path)
    with open(path, "wb") as file:  # a sparse file
        file.truncate(2**40)
    with pytest.raises(ValueError, match="not a file of skmnist"):
        skmnist.load(path)
    skmnist.save(clf, path)
    with open(path, "r+b") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match=r"has 1,099,511,627,776 bytes instead of"):
        skmnist.load(path)


def test_arrays_and_tensors_as_parameters(few, small, path):
    weight = torch.linspace(0.5, 1.5, 10)
    clf = small(max_epochs=1, criterion__weight=weight)
    skmnist.save(clf.fit(*few), path)
    loaded = skmnist.load(path)
    assert torch.equal(loaded.criterion__weight, weight)
    assert torch.equal(loaded.criterion_.weight, weight)
    assert loaded.fit(*few).loss_curve_ == clf.loss_curve_


def test_load_draws_no_random_numbers(few, small, path, monkeypatch):
    """Nor does it set seeds, which other threads would see."""
    skmnist.save(small(max_epochs=1).fit(*few), path)

    def fail(*args, **kwargs):
        raise AssertionError("a global generator was used")

    for name in ("set_rng_state", "get_rng_state", "manual_seed", "randperm"):
        monkeypatch.setattr(torch, name, fail)
    monkeypatch.setattr(np.random, "seed", fail)
    assert skmnist.load(path).n_iter_ == 1


def test_load_under_inference_mode(few, small, path):
    skmnist.save(small(max_epochs=1, warm_start=True).fit(*few), path)
    with torch.inference_mode():
        loaded = skmnist.load(path)
    assert loaded.fit(*few).n_iter_ == 2


def test_newer_format(few, small, path):
    skmnist.save(small(max_epochs=1).fit(*few), path)
    metadata, tensors = read_safe_file(path)
    versions = {**metadata["versions"], "skmnist": "99.0"}
    write_safe_file(path, {**metadata, "format": 3, "versions": versions}, tensors)
    with pytest.raises(ValueError, match=r"format 3.*'skmnist': '99\.0'"):
        skmnist.load(path)
