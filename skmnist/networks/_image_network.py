"""What all networks of images have in common: their input, and averaged predictions."""

import numbers

import torch
from torch import nn
from torch.nn import functional as F

SMALLEST_SIDE = 16
"""Images with a side below this many pixels are resized, see `RESIZED_TO`."""

RESIZED_TO = (28, 28)
"""Height and width that small images are resized to: those of MNIST."""


class ImageNetwork(nn.Module):
    """Base of the networks: standardizes raw pixels, and averages predictions.

    A subclass defines `score`, from prepared images to the scores of the classes, and
    `architecture`.

    Parameters
    ----------
    image_shape : tuple of three int
        Channels, height and width of an image.
    mean, std : float or sequence of float
        Mean and standard deviation of the pixels, one for all channels or one for each.
    average_flips, average_shifts : bool
        Whether predictions average over mirrored and shifted copies of an image, see
        `CNN`.

    Attributes
    ----------
    prepared_shape : tuple of three int
        Shape of an image after `prepare`.
    architecture : dict
        Arguments of the constructor besides `image_shape`, `mean`, `std` and
        `n_classes`, as JSON represents them.
    """

    def __init__(self, image_shape, mean, std, average_flips, average_shifts):
        super().__init__()
        self.average_flips = bool(average_flips)
        self.average_shifts = bool(average_shifts)
        channels, height, width = image_shape
        self.resize = min(height, width) < SMALLEST_SIDE
        if self.resize:
            height, width = RESIZED_TO
        self.prepared_shape = (channels, height, width)
        per_channel = torch.ones(channels, 1, 1)
        self.register_buffer("mean", per_channel * _column(mean))
        self.register_buffer("std", per_channel * _column(std))

    def forward(self, X):
        """Return the log-probabilities of the classes.

        Parameters
        ----------
        X : tensor of shape (n, channels, height, width), any numeric dtype
            Raw pixels, on the scale of `mean` and `std`.

        Returns
        -------
        tensor of shape (n, n_classes)
            Natural logarithms of the probabilities.
        """
        X = self.prepare(X)
        averages = self.average_flips or self.average_shifts
        if averages and not self.training:
            views = self._make_views(X)
            scores = sum(map(self.score, views)) / len(views)
        else:
            scores = self.score(X)
        # in the dtype of the weights, also where autocast computes with less
        return F.log_softmax(scores, dim=1, dtype=self.mean.dtype)

    def _make_views(self, X):
        """Return the images and the copies of them that predictions average over."""
        views = [X]
        if self.average_shifts:
            padded = F.pad(X, (1, 1, 1, 1), mode="reflect")
            views += [padded[:, :, 2:, 2:], padded[:, :, :-2, :-2]]
        if self.average_flips:
            views += [view.flip(3) for view in views]
        return views

    def prepare(self, X):
        """Standardize raw pixels, and resize small images.

        Parameters
        ----------
        X : tensor of shape (n, channels, height, width), any numeric dtype

        Returns
        -------
        tensor of shape (n, channels, height, width), with the dtype of the weights
            Of the shape `prepared_shape`, with the channels last in memory, which
            convolutions are fastest with.
        """
        # the strides say channels last for a single channel, too, which
        # contiguous(memory_format=...) leaves alone
        n, channels, height, width = X.shape
        X = X.movedim(1, 3).flatten().reshape(n, height, width, channels).movedim(3, 1)
        mean = self.mean
        X = (X.to(mean.dtype) - mean) / self.std  # (n, C, H, W)
        if self.resize:
            X = F.interpolate(X, RESIZED_TO, mode="bilinear")  # (n, C, 28, 28)
        return X


def uncompiled(module):
    """A network without the wrapper of `torch.compile`."""
    return getattr(module, "_orig_mod", module)


def is_positive_integer(value):
    """Whether a parameter of a network is an integer of at least 1."""
    return isinstance(value, numbers.Integral) and value >= 1


def _column(values):
    """One value, or one for each channel, in a shape that multiplies (C, 1, 1)."""
    return torch.as_tensor(values, dtype=torch.get_default_dtype()).reshape(-1, 1, 1)
