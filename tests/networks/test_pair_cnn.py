"""`PairCNN`."""

import numpy as np
import pytest
import torch

import skmnist
from skmnist import MnistCNNClassifier
from skmnist.datasets import load_mnist_sample, make_touching_digits
from skmnist.networks import PairCNN


def test_scores_of_pairs_are_sums():
    """In the order of the sorted labels, from what the last layer says about digits."""
    torch.manual_seed(0)
    network = PairCNN(n_classes=12, std=128.0, channels=(2, 3), hidden_units=4).eval()
    images = torch.randint(0, 256, (5, 1, 28, 48))
    heads = []
    network.fc2.register_forward_hook(lambda layer, args, output: heads.append(output))
    scores = network.score(network.prepare(images))
    single, left, right = heads[0].split(3, dim=1)
    labels = sorted([*"012", *(a + b for a in "012" for b in "012")])
    assert scores.shape == (5, len(labels))
    for column, label in enumerate(labels):
        digits = [int(digit) for digit in label]
        expected = (
            single[:, digits[0]]
            if len(digits) == 1
            else left[:, digits[0]] + right[:, digits[1]]
        )
        torch.testing.assert_close(scores[:, column], expected)
    log_probabilities = network(images)
    torch.testing.assert_close(log_probabilities, scores.log_softmax(1))


@pytest.mark.parametrize("n_classes", [1, 10, 100, 111])
def test_number_of_classes(n_classes):
    with pytest.raises(ValueError, match=rf"Got n_classes={n_classes}, expected k \*"):
        PairCNN(n_classes=n_classes)


def test_recipe_trains_and_saves_it(tmp_path):
    X, y = load_mnist_sample(subset="train", return_X_y=True)
    X, y = X[y < 4], y[y < 4]
    pairs = make_touching_digits(X, y, n_samples=3000, random_state=0)
    further = make_touching_digits(X, y, n_samples=300, random_state=1)
    clf = MnistCNNClassifier.with_pairs_recipe(random_state=0)
    clf.fit(pairs.images, pairs.target)
    assert clf.classes_.tolist() == sorted({*pairs.target})
    assert type(clf.module_) is PairCNN
    assert clf.module_.average_shifts
    assert clf.score(further.images, further.target) > 0.9
    expected = clf.predict_proba(further.images)
    skmnist.save(clf, tmp_path / "pairs.safetensors")
    restored = skmnist.load(tmp_path / "pairs.safetensors")
    assert type(restored.module_) is PairCNN
    assert np.array_equal(restored.predict_proba(further.images), expected)


def test_images_of_some_pairs_only():
    """They do not suffice; the error says what to do."""
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 48), np.uint8)
    labels = np.repeat(["1", "12", "21"], 20)
    clf = MnistCNNClassifier.with_pairs_recipe(max_epochs=1)
    with pytest.raises(ValueError, match=r"Got n_classes=3, .* more images"):
        clf.fit(images, labels)
