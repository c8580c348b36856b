import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from skmnist.classifiers._batch_loader import (
    LabelledImages,
    TensorBatchLoader,
    WithPositions,
)


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


@pytest.mark.parametrize("loader", [TensorBatchLoader, DataLoader])
@pytest.mark.parametrize("weights", [None, np.arange(10.0)])
def test_positions_in_nested_subsets(loader, weights):
    """Each image, label and weight shows its index; images 1, 3, ... were dropped."""
    images = torch.arange(10).reshape(10, 1, 1, 1)
    labels = np.arange(10)
    kept = LabelledImages(images, labels, labels, weights, positions=labels * 2)
    outer = Subset(kept, np.array([9, 7, 5, 3, 1]))
    for dataset, expected in (
        (kept, [*range(10)]),
        (outer, [9, 7, 5, 3, 1]),
        (Subset(outer, np.array([3, 0])), [3, 9]),
    ):
        seen = []
        for X, (targets, positions) in loader(WithPositions(dataset), batch_size=3):
            y_encoded, found = (targets, targets) if weights is None else targets
            assert X.flatten().tolist() == y_encoded.tolist() == found.tolist()
            assert positions.tolist() == (2 * y_encoded).tolist()
            seen.extend(y_encoded.tolist())
        assert seen == expected


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
