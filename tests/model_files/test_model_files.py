"""`save`, `load` and `to_onnx`."""

import json
import os
import platform
import runpy
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import fuzz_model_files as fuzz
import joblib
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import safetensors
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import ValidSplit
from torch import nn

import skmnist
from skmnist import MnistCNNClassifier, RandomAffine
from skmnist._safe_file import read_safe_file

MODELS = Path(__file__).parent / "models"
NAMES = np.array(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)


def default(few, small):
    return MnistCNNClassifier(max_epochs=1, random_state=0).fit(*few)


def with_momentum(few, small):
    return small(optimizer=torch.optim.SGD, optimizer__momentum=0.9, lr=0.05).fit(*few)


def as_text(few, small):
    X, y = few
    return small().fit(X, NAMES[y])


def as_objects(few, small):
    X, y = few
    return small().fit(X, NAMES[y].astype(object))


def as_floats(few, small):
    X, y = few
    return small().fit(X, y * 2.0)


def two_classes(few, small):
    X, y = few
    return small().fit(X, y > 4)


def squares(few, small):
    X, y = few
    return small().fit(X.reshape(-1, 28, 28), y)


def channels(few, small):
    X, y = few
    return small().fit(np.stack([X, X]).reshape(-1, 2, 28, 28), y)


def small_squares(few, small):
    X, y = load_digits(return_X_y=True)
    return small().fit(X[:200], y[:200])


def no_squares(few, small):
    X, y = few
    with pytest.warns(UserWarning, match="no square number"):
        return small().fit(X[:, :700], y)


def data_frame(few, small):
    X, y = few
    X = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(784)])
    return small().fit(X, y)


def stopping_early(few, small):
    return small(early_stopping=True, lr_schedule=None, n_iter_no_change=1).fit(*few)


def augmented(few, small):
    return small(augmentation=RandomAffine(rotation=5.0)).fit(*few)


def augmented_by_class(few, small):
    return small(augmentation=RandomAffine, augmentation__shift=2.0).fit(*few)


def with_callbacks(few, small):
    callbacks = [
        EpochScoring("f1_micro", name="f1", lower_is_better=False),
        ("stop", EarlyStopping(patience=7)),
        ("rate", LRScheduler("StepLR", step_size=3)),
        EarlyStopping,
    ]
    split = ValidSplit(0.25, stratified=True, random_state=3)
    clf = small(callbacks=callbacks, lr_schedule=None, train_split=split)
    return clf.fit(*few)


def many_parameters(few, small):
    return small(
        class_weight={np.int64(3): np.float32(2.0), 5: 0.5},
        lr=np.float64(0.001),
        max_epochs=np.int32(2),
        criterion=nn.NLLLoss,
        criterion__ignore_index=-5,
        image_shape=[1, 28, 28],
        callbacks__print_log=None,
        callbacks__lr_schedule__pct_start=0.3,
        iterator_valid=torch.utils.data.DataLoader,
        iterator_valid__batch_size=50,
        device=torch.device("cpu"),
        precision="bfloat16",
        tol=None,
        warm_start=np.True_,
        random_state=None,
    ).fit(*few)


def streamed(few, small):
    X, y = few
    return small().partial_fit(X, y, classes=range(12)).partial_fit(X, y)


def weighted(few, small):
    X, y = few
    return small(class_weight="balanced").fit(X, y, sample_weight=y + 1.0)


def interrupted(few, small):
    clf = small().fit(*few)
    clf.history.new_epoch()  # one that Ctrl-C ended has batches, but no mean
    clf.history.record("epoch", 3)
    clf.history.new_batch()
    clf.history.record_batch("train_loss", 0.5)
    return clf


KINDS = [
    *(default, with_momentum, as_text, as_objects, as_floats, two_classes, squares),
    *(channels, small_squares, no_squares, data_frame, stopping_early, augmented),
    *(augmented_by_class, with_callbacks, many_parameters, streamed, weighted),
    interrupted,
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def same(first, second):
    """Whether two values of parameters are the same, instances compared by content."""
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
    rows = np.zeros((3, clf.n_features_in_)) + np.arange(clf.n_features_in_)
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
    for name in ("image_shape_", "n_features_in_", "precision_", "n_iter_", "_layout"):
        assert getattr(loaded, name) == getattr(clf, name)
    for name in ("pixel_mean_", "pixel_std_", "feature_names_in_"):
        if hasattr(clf, name):
            assert getattr(loaded, name).tolist() == getattr(clf, name).tolist()
    assert loaded.device_ == torch.device("cpu")

    first = path.read_bytes()
    skmnist.save(loaded, path)
    assert path.read_bytes() == first
    assert "Not fitted" in repr(clone(loaded)._repr_html_())


def test_loaded_classifier_is_as_good_as_another(few, small, path):
    X, y = few
    clf = small(warm_start=True).fit(X, y)
    skmnist.save(clf, path)
    loaded = skmnist.load(path)
    clf.fit(X, y), loaded.fit(X, y)
    assert loaded.n_iter_ == clf.n_iter_ == 4
    loaded.partial_fit(X, y)
    assert loaded.n_iter_ == 5
    anew = [clone(estimator).fit(X, y).predict_proba(X) for estimator in (loaded, clf)]
    assert np.array_equal(*anew)


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


def test_batch_that_ctrl_c_cut_off_is_left_out(few, small, path):
    clf = small().fit(*few)
    clf.history.new_batch()
    skmnist.save(clf, path)
    assert skmnist.load(path).history[-1, "batches"] == clf.history[-1, "batches"][:-1]


@pytest.mark.filterwarnings("default")  # of torch's compiler about itself
def test_compiled_network_goes_without_its_wrapper(few, small, path):
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


def test_file_of_the_first_format():
    """It must load in all later versions: neither file is ever made anew."""
    expected = json.loads((MODELS / "format-1.json").read_text())
    clf = skmnist.load(MODELS / "format-1.safetensors")
    parameters = clf.get_params(deep=False)
    defaults = MnistCNNClassifier().get_params(deep=False)
    for name, value in expected["parameters"].items():
        found = parameters[name]
        # classes of this package have moved since
        moved = str(value).startswith("<class 'skmnist.") and found is defaults[name]
        assert moved or found == value or str(found) == value, name
    ((name, callback),) = clf.callbacks
    assert (name, type(callback)) == ("train_acc_epoch_end", EpochScoring)
    X, y = load_digits(return_X_y=True)
    assert clf.classes_.tolist() == expected["classes"]
    assert clf.loss_curve_ == expected["loss_curve"]
    assert clf.validation_scores_ == expected["validation_scores"]
    assert np.allclose(clf.predict_proba(X[:5]), expected["probabilities"], atol=1e-5)
    assert clf.score(X, NAMES[y]) == pytest.approx(expected["score"], abs=0.002)
    assert expected["score"] > 0.9


def test_file_is_safetensors_without_a_path_or_a_pickle(few, small, path):
    clf = small().fit(*few)
    skmnist.save(clf, path)
    with safetensors.safe_open(path, "pt") as file:
        assert list(file.metadata()) == ["skmnist"]
        facts = json.loads(file.metadata()["skmnist"])
        weights = file.get_tensor("network.fc2.weight")
    assert torch.equal(weights, clf.module_.fc2.weight)
    assert facts["versions"].keys() >= {"skmnist", "torch", "skorch", "python"}
    assert len(facts["sha256"]) == 64
    content = path.read_bytes()
    for name in (os.getcwd(), os.path.expanduser("~"), platform.node()):
        assert name.encode() not in content


CALLBACK = EarlyStopping("train_loss")
ACCURACY = EpochScoring(lambda *_: 0.0, name="x")


class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, X):
        return torch.log_softmax(self.layer(X.flatten(1)), dim=1)


class OwnClassifier(MnistCNNClassifier):
    pass


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
def test_what_no_file_can_hold_is_refused_by_name(few, small, path, name, parameters):
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
def test_what_is_no_fitted_classifier(few, small, path, function):
    X, y = few
    with pytest.raises(NotFittedError):
        function(small(), path)
    pipeline = make_pipeline(MinMaxScaler(), small(max_epochs=1)).fit(X, y)
    own = OwnClassifier(max_epochs=1).fit(X, y)
    for other, message in (
        (pipeline, "Got a Pipeline"),
        (own, "Got a OwnClassifier, expected an MnistCNNClassifier"),
        (3, "Got a int"),
        (MnistCNNClassifier, "Got a ABCMeta|Got a type"),
    ):
        with pytest.raises(TypeError, match=message):
            function(other, path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("function", [skmnist.save, skmnist.to_onnx])
def test_where_no_file_can_be(few, small, tmp_path, function):
    clf = small(max_epochs=1).fit(*few)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        function(clf, tmp_path / "missing" / "model")
    with pytest.raises(IsADirectoryError, match="expected the name of a file"):
        function(clf, tmp_path)
    assert os.listdir(tmp_path) == []


def test_trimmed_for_prediction(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    clf.trim_for_prediction()
    for function in (skmnist.save, skmnist.to_onnx):
        with pytest.raises(ValueError, match=r"trimmed for prediction.*Save it before"):
            function(clf, path)
    assert os.listdir(path.parent) == []


def test_parts_that_could_start_programs(few, small, path):
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


def test_a_loaded_network_is_not_compiled_before_it_is_trained(few, small, path):
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


def test_history_with_other_things_than_numbers(few, small, path):
    clf = small().fit(*few)
    clf.history.record("note", "good")
    with pytest.raises(TypeError, match="note='good' in the history"):
        skmnist.save(clf, path)


def test_more_words_than_a_file_holds(few, small, path):
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


def test_a_failing_disk_takes_nothing_away(few, small, path, monkeypatch):
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


def test_no_file_is_made_elsewhere(few, small, path, monkeypatch):
    """A file can be renamed within its file system, but not out of another one."""
    clf = small(max_epochs=1).fit(*few)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(path.parent / "on another disk"))
        skmnist.save(clf, path)
    assert os.listdir(path.parent) == [path.name]


def test_a_header_beyond_the_limit_is_not_read(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    skmnist.save(clf, path)
    facts, tensors = read_safe_file(path)
    for length, fits in ((10, True), (path.stat().st_size + 2**17, False)):
        path.write_bytes(fuzz.with_checksum({**facts, "note": "x" * length}, tensors))
        if fits:
            assert skmnist.load(path).n_iter_ == 1
        else:
            with pytest.raises(ValueError, match="its header cannot have"):
                skmnist.load(path)


def test_damaged_files_are_refused():
    """Some of the files of `python tests/model_files/fuzz_model_files.py`."""
    found = fuzz.try_damaged_files(800, seed=1)
    assert sum(entry["n"] for entry in found.values()) == 800
    assert len(found) == len(fuzz.KINDS)
    for kind, entry in found.items():
        multiple = 40 if fuzz.LARGE_HISTORY in kind else 5
        # a header of this size can be full of brackets
        assert entry["peak"] < multiple * entry["size"] + 20 * fuzz.HEADER_LIMIT


def test_damage_without_resource(monkeypatch):
    """Which Windows does not have."""
    monkeypatch.setitem(sys.modules, "resource", None)
    functions = runpy.run_path(fuzz.__file__)
    assert "memory of the process is unknown" in functions["resident_memory"]()


def test_every_byte_counts(tmp_path):
    """Each bit of the header, and one of each byte behind it, is covered."""
    model = tmp_path / "model"
    fuzz.make_model(model)
    content = model.read_bytes()
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        model.write_bytes(changed)
        with pytest.raises(ValueError, match=r"damaged|not a file of skmnist"):
            skmnist.load(model)


def test_what_is_no_model_file(few, small, tmp_path, path):
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
    with open(path, "wb") as file:  # takes no room on the disk
        file.truncate(2**40)
    with pytest.raises(ValueError, match="not a file of skmnist"):
        skmnist.load(path)
    skmnist.save(clf, path)
    with open(path, "r+b") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match=r"has 1,099,511,627,776 bytes instead of"):
        skmnist.load(path)


# ONNX --------------------------------------------------------------------------------


def run_onnx(path, X):
    session = onnxruntime.InferenceSession(path)
    (entry,) = session.get_inputs()
    kinds = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
    return session, session.run(None, {"pixels": X.astype(kinds[entry.type])})


@pytest.mark.parametrize(
    "make",
    [
        *(with_momentum, as_text, as_objects, as_floats, two_classes, squares),
        *(channels, small_squares, no_squares, augmented),
    ],
)
def test_onnx(few, small, path, make):
    clf = make(few, small)
    skmnist.to_onnx(clf, path)
    shape, dtype = clf._layout
    generator = np.random.default_rng(0)
    for n in (1, 7, 600):
        X = generator.integers(0, 255, (n, *shape)).astype(dtype)
        session, (label, probabilities) = run_onnx(path, X)
        assert label.tolist() == clf.predict(X).tolist()
        assert probabilities.shape == (n, len(clf.classes_))
        assert probabilities.dtype == np.float32
        assert abs(probabilities - clf.predict_proba(X)).max() < 1e-5
    assert [output.name for output in session.get_outputs()] == [
        "label",
        "probabilities",
    ]
    model = onnx.load(path)
    for name in (os.getcwd(), os.path.expanduser("~"), os.path.dirname(torch.__file__)):
        assert name.encode() not in model.SerializeToString()


def test_onnx_of_the_test_digits(mnist, path):
    X_train, y_train, X_test, _ = mnist
    clf = MnistCNNClassifier(max_epochs=1, random_state=0)
    clf.fit(X_train[:10_000], y_train[:10_000])
    skmnist.to_onnx(clf, path)
    _, (label, probabilities) = run_onnx(path, X_test)
    assert (label == clf.predict(X_test)).all()
    difference = abs(probabilities - clf.predict_proba(X_test)).max()
    print(f"ONNX Runtime: largest difference of probabilities {difference:.2e}")
    assert difference < 1e-5


def test_onnx_of_another_network(few, small, path):
    X, y = few[0].astype(np.float32) / 255, few[1]
    clf = MnistCNNClassifier(module=OwnNetwork, max_epochs=1).fit(X, y)
    skmnist.to_onnx(clf, path)
    _, (label, probabilities) = run_onnx(path, X)
    assert (label == clf.predict(X)).all()
    assert abs(probabilities - clf.predict_proba(X)).max() < 1e-5


def test_onnx_has_no_probability_of_0(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    with torch.no_grad():
        clf.module_.fc2.bias[3] -= 300  # float32 ends at exp(-103)
    skmnist.to_onnx(clf, path)
    _, (_, probabilities) = run_onnx(path, few[0])
    tiny = np.finfo(np.float32).tiny
    assert probabilities.min() == clf.predict_proba(few[0]).min() == tiny


def test_onnx_leaves_the_classifier_alone(few, small, path):
    clf = small().fit(*few)
    expected = clf.predict_proba(few[0])
    mode, state = clf.module_.training, torch.get_rng_state()
    skmnist.to_onnx(clf, path)
    first = path.read_bytes()
    skmnist.to_onnx(clf, path)
    assert path.read_bytes() == first
    assert clf.module_.training == mode
    assert torch.equal(torch.get_rng_state(), state)
    assert (clf.predict_proba(few[0]) == expected).all()
    assert os.listdir(path.parent) == [path.name]


def test_onnx_refuses_what_it_cannot_say(few, small, path):
    X, y = few
    clf = small(max_epochs=1).fit(X, y.astype(np.uint64) + 2**63)
    with pytest.raises(TypeError, match="Got a label 9223372036854775817"):
        skmnist.to_onnx(clf, path)
    assert os.listdir(path.parent) == []


def test_onnx_without_the_extra(few, small, path, monkeypatch):
    clf = small(max_epochs=1).fit(*few)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match="pip install onnx onnxscript"):
        skmnist.to_onnx(clf, path)
    assert os.listdir(path.parent) == []
