"""`to_onnx`."""

import os
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fitted_classifiers import (
    OwnNetwork,
    as_floats,
    as_objects,
    as_text,
    augmented,
    channels,
    no_squares,
    small_squares,
    squares,
    two_classes,
    with_momentum,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.classifiers import ImageClassifier


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
        brightest = int(clf.pixel_range_[1])
        X = generator.integers(0, brightest, (n, *shape)).astype(dtype)
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


@pytest.mark.parametrize("make", [MnistCNNClassifier, ImageClassifier])
def test_onnx_of_another_network(few, path, make):
    X, y = few[0].astype(np.float32) / 255, few[1]
    clf = make(module=OwnNetwork, max_epochs=1).fit(X, y)
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


def test_onnx_refuses_labels_that_it_does_not_have(few, small, path):
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


def test_onnx_of_a_pipeline(few, small, path):
    pipeline = make_pipeline(MinMaxScaler(), small(max_epochs=1)).fit(*few)
    with pytest.raises(TypeError, match=r"lose its other steps \(minmaxscaler\)"):
        skmnist.to_onnx(pipeline, path)
    assert os.listdir(path.parent) == []
