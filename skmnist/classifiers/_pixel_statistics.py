"""Mean, standard deviation and range of the pixels."""

import math

import torch

from skmnist.classifiers._batch_loader import LabelledImages, TensorBatchLoader

CHUNK = 256
"""Images that are converted to float64 at a time."""

ROUNDING = 1e-9
"""Standard deviation, relative to the mean, that counts as a rounding error."""


def pixel_statistics(images, weights=None, num_workers=0):
    """Compute the mean and standard deviation of each channel, and the range.

    The images are read once: sums of deviations from the mean of the first ones, and of
    their squares, give both.

    Parameters
    ----------
    images : tensor or LazyImages of shape (n, C, H, W)
    weights : ndarray of shape (n,) or None
        Weights of the images; None if all are equal.
    num_workers : int, default=0
        Number of processes that read images, see `TensorBatchLoader`.

    Returns
    -------
    mean, std : ndarray of shape (C,), float64
        On the scale of the pixels. `std` is 1 for a channel of equal pixels.
    pixel_range : tuple of two float
        Smallest and largest pixel of all channels.
    """
    dataset = LabelledImages(images, None, None, weights)
    centre, total, sums, squares = None, 0.0, 0.0, 0.0
    lowest, highest = math.inf, -math.inf
    for part, targets in TensorBatchLoader(dataset, CHUNK, num_workers=num_workers):
        pixels = part.flatten(2).double()  # (n, C, H*W)
        weight = torch.ones(len(part)) if weights is None else targets[1]
        weight = weight.double()
        if centre is None:
            centre = pixels.mean((0, 2))
        # as numbers: tensors that stay would split the memory that the parts free
        lowest = min(lowest, pixels.min().item())
        highest = max(highest, pixels.max().item())
        deviations = pixels - centre[:, None]
        total += weight.sum() * pixels.shape[2]
        sums = sums + weight @ deviations.sum(2)
        squares = squares + weight @ torch.linalg.vecdot(deviations, deviations)
    shift = sums / total
    mean = centre + shift
    std = (squares / total - shift**2).clamp(min=0).sqrt()
    std[std <= ROUNDING * mean.abs()] = 1.0
    return mean.numpy(), std.numpy(), (lowest, highest)
