import numpy as np
import pytest
import torch
from torch.utils.data import Subset

from skmnist.classifiers._batch_loader import LabelledImages, TensorBatchLoader


@pytest.fixture
def dataset():
    """Ten images whose only pixel, label and encoded label show their position."""
    labels = np.array([f"label {i}" for i in range(10)])
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1)
    return LabelledImages(images, labels, labels)


def test_items_have_encoded_labels_and_data_sets_have_labels(dataset):
    image, label = dataset[3]
    assert image.item() == label.item() == 3
    assert dataset.y[3] == "label 3"
    assert LabelledImages(dataset.X, None, None)[1:3][0].flatten().tolist() == [1, 2]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 9, 10, 99])
def test_each_pass_yields_every_image_once(dataset, batch_size, shuffle):
    batches = TensorBatchLoader(dataset, batch_size, shuffle=shuffle)
    seen = [(X.flatten(), y_encoded) for X, y_encoded in batches]
    assert len(seen) == len(batches)
    assert all(torch.equal(X, y_encoded) for X, y_encoded in seen)
    positions = torch.cat([y_encoded for _, y_encoded in seen]).tolist()
    assert sorted(positions) == list(range(10))
    if not shuffle:
        assert positions == list(range(10))


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (10, 3, [3, 3, 4]),
        (10, 9, [10]),
        (10, 4, [4, 4, 2]),
        (4, 1, [1, 1, 1, 1]),
        (1, 3, [1]),
        (2, 1, [1, 1]),
        (0, 3, []),
    ],
)
def test_a_single_image_joins_the_batch_before_it(dataset, n, batch_size, sizes):
    batches = TensorBatchLoader(Subset(dataset, np.arange(n)), batch_size)
    assert [len(images) for images, _ in batches] == sizes
    assert len(batches) == len(sizes)


def test_order_depends_on_the_torch_generator(dataset):
    def orders(seed):
        torch.manual_seed(seed)
        batches = TensorBatchLoader(dataset, 10, shuffle=True)
        return [next(iter(batches))[1].tolist() for _ in range(2)]

    with torch.random.fork_rng():
        first, second = orders(0)
        assert first != second
        assert orders(0) == [first, second]
        assert orders(1) != [first, second]


@pytest.mark.parametrize("shuffle", [False, True])
def test_subset(dataset, shuffle):
    batches = TensorBatchLoader(
        Subset(dataset, np.array([7, 2, 5])), 2, shuffle=shuffle
    )
    positions = torch.cat([y_encoded for _, y_encoded in batches]).tolist()
    assert (sorted(positions) if shuffle else positions) == (
        [2, 5, 7] if shuffle else [7, 2, 5]
    )
