"""Device and precision."""

import numpy as np
import pytest
import torch

from skmnist import MnistCNNClassifier
from skmnist.classifiers._device_and_precision import resolve_device, resolve_precision

CPU = torch.device("cpu")


def test_device():
    assert resolve_device("cpu") == CPU
    assert resolve_device(CPU) == CPU
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("device", ["no such device", "meta", "cuda:99", 3.5, None])
def test_unavailable_device(device):
    with pytest.raises(ValueError, match=r"Got device=.*'auto' or one of"):
        resolve_device(device)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"neon": True, "bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "avx512_f": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_precision_depends_on_the_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert resolve_precision("auto", CPU) == expected
    for precision in ("float32", "bfloat16"):
        assert resolve_precision(precision, CPU) == precision


def test_precision_of_training_and_prediction(small, few, precision):
    clfs = {p: small(precision=p).fit(*few) for p in ("float32", "bfloat16", "auto")}
    assert clfs["auto"].precision_ == resolve_precision("auto", clfs["auto"].device_)
    if clfs["auto"].device_ == CPU:
        assert clfs["auto"].precision_ == precision
    same = clfs[clfs["auto"].precision_]
    assert same.loss_curve_ == clfs["auto"].loss_curve_
    full, half = clfs["float32"], clfs["bfloat16"]
    assert full.loss_curve_ != half.loss_curve_
    # the scores are rounded to eight significant bits, and small compared to the loss
    np.testing.assert_allclose(full.loss_curve_, half.loss_curve_, rtol=2**-8)
    for clf in clfs.values():  # weights and predictions are always float32
        assert {w.dtype for w in clf.module_.parameters()} == {torch.float32}
        images = torch.from_numpy(few[0]).reshape(-1, 1, 28, 28).to(clf.device_)
        with torch.no_grad():
            expected = clf.module_(images).cpu().numpy()
        np.testing.assert_allclose(clf.predict_log_proba(few[0]), expected, atol=1e-5)


@pytest.mark.parametrize("how", ["partial_fit", "warm start"])
def test_precision_may_change_when_training_continues(small, few, how):
    def continue_training(precision):
        clf = small(precision="float32", warm_start=True).fit(*few)
        clf.set_params(precision=precision)
        return clf.partial_fit(*few) if how == "partial_fit" else clf.fit(*few)

    full, half = continue_training("float32"), continue_training("bfloat16")
    assert (full.precision_, half.precision_) == ("float32", "bfloat16")
    assert full.loss_curve_[:2] == half.loss_curve_[:2]
    assert full.loss_curve_[2] != half.loss_curve_[2]


def test_custom_network_in_bfloat16(few):
    class CustomNetwork(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(784, 10)

        def forward(self, X):
            return self.layer(X.flatten(1) / 255).log_softmax(1)

    clf = MnistCNNClassifier(module=CustomNetwork, precision="bfloat16", random_state=0)
    assert clf.fit(*few).score(*few) > 0.8


def test_article_recipe_uses_float32():
    assert MnistCNNClassifier.with_article_recipe().precision == "float32"
