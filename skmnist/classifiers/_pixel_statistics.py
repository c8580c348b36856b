"""Mean, standard deviation and range of the pixels."""

import numpy as np
import torch

CHUNK = 256
"""Images that `pixel_statistics` converts to float64 at a time."""


ROUNDING = 1e-9
"""Standard deviation, relative to the mean, that counts as a rounding error."""


def pixel_statistics(images, weights=None):
    """Compute the mean and standard deviation of each channel, and the range.

    Parameters
    ----------
    images : tensor of shape (n, C, H, W)
    weights : ndarray of shape (n,) or None
        Weights of the images; None if all are equal.

    Returns
    -------
    mean, std : ndarray of shape (C,), float64
        On the scale of the pixels. `std` is 1 for a channel of equal pixels.
    pixel_range : tuple of two float
        Smallest and largest pixel of all channels.
    """
    if weights is None:
        weights = np.ones(len(images))
    weights = torch.from_numpy(weights).double()
    total = weights.sum() * images[0, 0].numel()
    pixels = images.flatten(2)  # (n, C, H*W)
    chunks = list(zip(pixels.split(CHUNK), weights.split(CHUNK), strict=True))
    mean = sum(weight @ chunk.double().sum(2) for chunk, weight in chunks) / total
    squares = 0.0
    for chunk, weight in chunks:
        deviation = chunk.double() - mean[:, None]
        squares = squares + weight @ torch.linalg.vecdot(deviation, deviation)
    std = (squares / total).sqrt()
    std[std <= ROUNDING * mean.abs()] = 1.0
    lowest, highest = torch.aminmax(pixels)
    return mean.numpy(), std.numpy(), (float(lowest), float(highest))
