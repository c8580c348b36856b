"""The article's recipe is numerically equivalent to the article's loop."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skmnist import MnistCNNClassifier
from skmnist.displays import AccuracyCurveDisplay

SKORCH_CALLBACK = "train_acc_epoch_end"


class ArticleNet(nn.Module):
    """An independent implementation of the article's network."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 50, 5, 1)
        self.fc1 = nn.Linear(4 * 4 * 50, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(x, 2, 2)
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2, 2)
        x = x.reshape(-1, 4 * 4 * 50)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


# Rounding errors accumulate, so float32 is compared over fewer steps.
@pytest.mark.parametrize(
    ("dtype", "steps", "tolerance"),
    [(torch.float32, 24, 1e-4), (torch.float64, 72, 1e-9)],
)
def test_article_training_loop(sample, default_dtype, dtype, steps, tolerance):
    """The same initial weights and batches lead to the same losses and weights."""
    default_dtype(dtype)
    n_images = 64 * steps - 56  # the last batch has 8
    X, y = (array[np.random.RandomState(0).permutation(5000)] for array in sample)
    X, y = X[:n_images], y[:n_images]
    initial, batches = {}, []

    class Recording(MnistCNNClassifier):
        def on_train_begin(self, net, **kwargs):
            super().on_train_begin(net, **kwargs)
            for name, weights in self.module_.named_parameters():
                initial[name] = weights.detach().clone()

        def on_batch_begin(self, net, batch=None, training=False):
            super().on_batch_begin(net, batch, training)
            images, labels = batch
            batches.append((images.clone(), torch.tensor(labels)))

    clf = Recording.with_article_recipe(
        max_epochs=1, callbacks=[], random_state=0, device="cpu"
    ).fit(X, y)

    # the same memory format, so that float32 rounds in the same way
    in_memory = {"memory_format": torch.channels_last}
    network = ArticleNet().to(**in_memory)
    network.load_state_dict(initial)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
    mean, std = (X / 255).mean(), (X / 255).std()
    losses = []
    for images, target in batches:
        data = ((images.to(dtype) / 255 - mean) / std).contiguous(**in_memory)
        optimizer.zero_grad()
        loss = F.nll_loss(network(data), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert [len(images) for images, _ in batches] == [64] * (steps - 1) + [8]
    found = clf.history[0, "batches", :, "train_loss"]
    np.testing.assert_allclose(found, losses, rtol=tolerance)
    trained = dict(clf.module_.named_parameters())
    for name, weights in network.named_parameters():
        assert weights.dtype == dtype
        torch.testing.assert_close(
            trained[name], weights, rtol=tolerance, atol=tolerance
        )
        assert not torch.equal(weights, initial[name])


def test_article_parameters():
    clf = MnistCNNClassifier.with_article_recipe(random_state=3)
    assert (clf.lr, clf.lr_schedule, clf.max_epochs, clf.batch_size) == (
        0.01,
        None,
        10,
        64,
    )
    assert clf.random_state == 3
    assert MnistCNNClassifier.with_article_recipe(max_epochs=2).max_epochs == 2
    other = MnistCNNClassifier.with_article_recipe()
    assert other.callbacks[0][1] is not clf.callbacks[0][1]


@pytest.mark.parametrize("labels", [np.arange(10), np.array(list("abcdefghij"))])
def test_article_accuracy(few, labels):
    """Accuracy on the whole training set, with the weights after an epoch."""
    X, y = few[0], labels[few[1]]
    recipe = {"max_epochs": 3, "random_state": 0, "module__channels": (4, 8)}
    clf = MnistCNNClassifier.with_article_recipe(lr=0.1, **recipe).fit(X, y)
    assert len(clf.history[:, SKORCH_CALLBACK]) == 3
    assert clf.history[-1, SKORCH_CALLBACK] == clf.score(X, y)
    assert clf.history[-1, "train_acc"] != clf.score(X, y)
    shown = AccuracyCurveDisplay.from_estimator(clf).accuracies
    assert list(shown) == [
        "training batches, during the epoch",
        "whole training set, at the end of the epoch",
    ]
