"""`ResNetClassifier`: what it has beyond `ImageClassifier`."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

import skmnist
from skmnist import (
    AlternatingFlip,
    RandomAffine,
    RandomFlip,
    RandomShift,
    ResNetClassifier,
)
from skmnist.callbacks import StopTraining, TrainingCheckpoint
from skmnist.networks import CNN, ResNet


@pytest.fixture(scope="module")
def colours():
    """X (120, 3, 20, 20) and y (120,): noise that is brighter on top, or at the bottom.

    The brightness of the left half says nothing about the class.
    """
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (120, 3, 20, 20))
    y = np.arange(120) % 2
    X[y == 0, :, :10] += 50
    X[y == 1, :, 10:] += 50
    X[rng.permutation(120)[:60], :, :, :10] += 100
    return X.astype(np.uint8), np.array(["top", "bottom"])[y]


def make(**parameters):
    defaults = {"module__channels": (4, 8), "max_epochs": 2, "random_state": 0}
    return ResNetClassifier(**{**defaults, **parameters})


@pytest.mark.parametrize(
    ("augmentation", "flips"),
    [
        ((AlternatingFlip,), True),
        ([RandomAffine(), RandomFlip(p=0.3)], True),
        (RandomFlip, True),
        (RandomAffine, False),
        (None, False),
    ],
)
@pytest.mark.parametrize("module", [CNN, ResNet])
def test_predictions_are_averaged_if_training_images_are_mirrored(
    colours, augmentation, flips, module
):
    X, y = colours
    clf = make(augmentation=augmentation, module=module).fit(X, y)
    assert clf.module_.average_flips is flips
    assert not clf.module_.average_shifts
    mirrored = np.ascontiguousarray(X[..., ::-1])
    differences = abs(clf.predict_proba(X) - clf.predict_proba(mirrored))
    assert (differences.max() < 1e-5) == flips


def test_default_averages_flips_and_shifts(colours):
    network = make().fit(*colours).module_
    assert network.average_flips
    assert network.average_shifts
    clf = make(module__average_flips=False, module__average_shifts=False).fit(*colours)
    assert not clf.module_.average_flips
    assert not clf.module_.average_shifts
    other = make(module=CNN, module__channels=(2, 3)).fit(*colours)
    assert type(other.module_) is CNN


def test_weight_decay_of_the_default_optimizer_alone(colours):
    def find(**parameters):
        clf = make(max_epochs=1, **parameters).fit(*colours)
        return clf.optimizer_.param_groups[0]["weight_decay"]

    assert find() == 0.3
    assert find(optimizer__weight_decay=0.1) == 0.1
    assert find(optimizer=torch.optim.SGD, lr=0.01) == 0


@pytest.mark.parametrize("flips", [False, True])
def test_files_and_copies_predict_the_same(colours, tmp_path, flips):
    X, y = colours
    augmentation = [RandomFlip(), RandomShift()] if flips else None
    clf = make(augmentation=augmentation).fit(X, y)
    clf.set_params(augmentation=None, module__channels=(16,))  # for the next fit
    expected = clf.predict_proba(X)
    skmnist.save(clf, tmp_path / "model")
    for copied in (skmnist.load(tmp_path / "model"), pickle.loads(pickle.dumps(clf))):
        assert type(copied) is ResNetClassifier
        assert copied.module_.average_flips is flips
        assert copied.module_.average_shifts is flips
        np.testing.assert_array_equal(copied.predict_proba(X), expected)
        assert copied.get_params(deep=False) == clf.get_params(deep=False)
    onnxruntime = pytest.importorskip("onnxruntime")
    skmnist.to_onnx(clf, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    labels, probabilities = session.run(None, {"pixels": X})
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, clf.predict(X))


def test_same_seed_same_bits(colours):
    X, y = colours
    expected = make().fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(make().fit(X, y).predict_proba(X), expected)
    other = make(random_state=1).fit(X, y).predict_proba(X)
    assert not np.array_equal(other, expected)


def test_interrupted_training_is_resumed_with_the_same_bits(colours, tmp_path):
    X, y = colours
    expected = make(max_epochs=4).fit(X, y).predict_proba(X)

    class Stop(skmnist.callbacks.EarlyStopping):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    path = tmp_path / "training"
    clf = make(max_epochs=4, callbacks=[("c", TrainingCheckpoint(path)), Stop()])
    with pytest.warns(UserWarning, match="interrupted"):
        clf.fit(X, y)
    resumed = make(max_epochs=4, callbacks=[("c", TrainingCheckpoint(path))]).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), expected)


def test_numpy_integers_in_a_search(colours, tmp_path):
    channels = (np.int64(4), np.int64(8))
    clf = make(module__channels=np.array(channels), module__patch_size=np.int64(3))
    clf = clf.fit(*colours)
    assert clf.module_.architecture["channels"] == [4, 8]
    assert type(clf.module_.architecture["patch_size"]) is int
    clf = make(module__channels=channels).fit(*colours)
    skmnist.save(clf, tmp_path / "model")
    loaded = skmnist.load(tmp_path / "model")
    assert loaded.module_.architecture == clf.module_.architecture


def test_pretrained_network_is_not_whitened_again(colours):
    X, y = colours
    pretrained = make(augmentation=None).fit(X, y).module_
    before = pretrained.whiten.weight.clone()
    still = {"optimizer": torch.optim.SGD, "lr": 1e-12, "lr_schedule": None}
    parameters = {"module": pretrained, "augmentation": None, **still}
    clf = ResNetClassifier(**parameters).fit(X // 2, y)
    assert torch.equal(clf.module_.whiten.weight, before)
    assert isinstance(clf.module_, ResNet)
    assert clf.module_ is not pretrained


def test_batch_without_positions(colours):
    X, y = colours
    clf = make().fit(X, y)
    batch = torch.from_numpy(X[:4]), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match="without the positions of its images"):
        clf.train_step(batch)


def test_recipe_for_digits():
    clf = ResNetClassifier.with_digits_recipe(random_state=3, max_epochs=2)
    assert (clf.random_state, clf.max_epochs) == (3, 2)
    assert isinstance(clf.augmentation, RandomAffine)
    assert clone(clf).get_params(deep=False).keys() == clf.get_params(False).keys()
    other = ResNetClassifier.with_digits_recipe(module=CNN)
    assert "module__channels" not in other.get_params(deep=False)


def test_callbacks_can_end_the_training(colours):
    class Stop(skmnist.callbacks.EarlyStopping):
        def on_epoch_end(self, net, **kwargs):
            raise StopTraining

    assert make(max_epochs=5, callbacks=[Stop()]).fit(*colours).n_iter_ == 1
