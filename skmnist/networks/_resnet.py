"""A small residual network for colour and grey images."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional as F

from skmnist.networks._image_network import ImageNetwork, is_positive_integer

PATCH_IMAGES = 5000
"""Largest number of images whose patches the first layer is whitened with."""

WHITENING_EPS = 5e-4
"""Added to the variances of patches of standardized pixels, as in [1] of `ResNet`."""


class ResNet(ImageNetwork):
    """Small residual network with batch normalization; it returns log-probabilities.

    The first layer decorrelates small patches of the image; its kernels are computed
    from the training images by `initialize_from_data` and not trained. Groups of two
    3x3 convolutions follow. Each group halves the image by max-pooling after its first
    convolution, and adds a residual connection around its second one. The maximum over
    what is left of the image goes into a linear layer.

    Apart from the residual connections, this is the network of [1]_. Averages of
    predictions are those of log-probabilities, normalized.

    Parameters
    ----------
    image_shape : tuple of three int, default=(3, 32, 32)
        Channels, height and width of an image. Images with a height or width under 16
        pixels are resized to 28x28 in the network (bilinear).
    n_classes : int, default=10
        Number of classes.
    mean, std : float or sequence of float, default=0.0 and 1.0
        Mean and standard deviation of the pixels, one for all channels or one for each.
        The network standardizes its input with them. They are buffers, so they are
        saved with the weights.
    channels : tuple of int, default=(64, 256, 256)
        Output channels of the groups. The default network has 2 million weights,
        `channels=(32, 64, 160)` 0.4 million.
    patch_size : int, default=2
        Height and width in pixels of the patches that the first layer decorrelates.
    average_flips : bool, default=False
        Whether predictions average over each image and its mirror image.
    average_shifts : bool, default=False
        Whether predictions average over each image and two copies of it, which are
        shifted by one pixel along the diagonal, with edges reflected. With
        `average_flips`, also over their mirror images, which makes six.

    Raises
    ------
    ValueError
        If `channels` or `patch_size` is invalid, or too large for the images.

    See Also
    --------
    skmnist.ResNetClassifier : Trains it.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
       arXiv:2404.00498.
    .. [2] K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image
       Recognition", 2016, arXiv:1512.03385.

    Examples
    --------
    >>> import torch
    >>> from skmnist.networks import ResNet
    >>> network = ResNet(channels=(16, 32))
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    accepts_raw_pixels = True
    supports_bfloat16 = True

    def __init__(
        self,
        image_shape=(3, 32, 32),
        n_classes=10,
        mean=0.0,
        std=1.0,
        channels=(64, 256, 256),
        patch_size=2,
        average_flips=False,
        average_shifts=False,
    ):
        super().__init__(image_shape, mean, std, average_flips, average_shifts)
        in_channels, *sides = self.prepared_shape
        given = channels
        channels = [*given] if isinstance(given, Iterable) else []
        if not channels or not all(map(is_positive_integer, channels)):
            raise ValueError(
                f"Got channels={given!r}, expected integers of at least 1: the "
                "output channels of the groups."
            )
        if not is_positive_integer(patch_size):
            raise ValueError(
                f"Got patch_size={patch_size!r}, expected an integer of at least 1."
            )
        if (min(sides) - patch_size + 1) // 2 ** len(channels) < 1:
            raise ValueError(
                f"Got channels={tuple(channels)} and patch_size={patch_size}, which "
                f"leave nothing of an image of shape {tuple(image_shape)}: each group "
                "halves it. Pass fewer channels or a smaller patch_size."
            )
        channels, patch_size = [int(width) for width in channels], int(patch_size)
        width = 2 * in_channels * patch_size**2
        self.whiten = nn.Conv2d(in_channels, width, patch_size, bias=False)
        self.whiten.weight.requires_grad_(False)
        self.whiten_bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("whitened", torch.tensor(False))
        self.activation = nn.GELU()
        groups = []
        for out_channels in channels:
            groups.append(ResidualGroup(width, out_channels))
            width = out_channels
        self.groups = nn.Sequential(*groups)
        self.head = nn.Linear(width, n_classes)

    @property
    def architecture(self):
        return {
            "channels": [group.conv1.out_channels for group in self.groups],
            "patch_size": self.whiten.kernel_size[0],
            "average_flips": self.average_flips,
            "average_shifts": self.average_shifts,
        }

    @torch.no_grad()
    def initialize_from_data(self, images, sample_weight=None):
        """Compute the kernels of the first layer, which decorrelate patches of images.

        They are the eigenvectors of the covariance of all patches, divided by the
        standard deviation along them, and the same with the opposite sign. A network
        keeps those that it has, because its other layers were trained with them.

        Parameters
        ----------
        images : tensor of shape (n, channels, height, width), any numeric dtype
            Raw pixels. At most 5,000 of them are used, evenly spaced.
        sample_weight : ndarray of shape (n,), default=None
            Not used.
        """
        if self.whitened:
            return
        weight = self.whiten.weight
        images = images[:: -(-len(images) // PATCH_IMAGES)]
        side = weight.shape[-1]
        covariance, n_patches = 0.0, 0
        for part in images.split(500):
            part = self.prepare(part.to(weight.device))
            patches = F.unfold(part, side).movedim(1, 2).flatten(0, 1)
            covariance = covariance + patches.T @ patches
            n_patches += len(patches)
        covariance = covariance / n_patches
        variances, directions = torch.linalg.eigh(covariance)
        kernels = directions.T / (variances[:, None] + WHITENING_EPS).sqrt()
        weight.copy_(torch.cat([kernels, -kernels]).reshape(weight.shape))
        self.whitened.fill_(True)

    def score(self, X):
        """Return the scores of the classes, before the softmax.

        Parameters
        ----------
        X : tensor of shape (n, channels, height, width)
            Prepared images.

        Returns
        -------
        tensor of shape (n, n_classes)
            One score for each class.
        """
        # the backward pass of a convolution with a bias, but without gradients of its
        # kernels, is slow on CPUs
        with torch.set_grad_enabled(torch.is_grad_enabled() and X.requires_grad):
            X = self.whiten(X)  # (n, 24, 31, 31)
        X = self.activation(X + self.whiten_bias.to(X.dtype)[:, None, None])
        X = self.groups(X)  # (n, 256, 3, 3)
        X = X.amax(dim=(2, 3))  # (n, 256)
        return self.head(X)  # (n, n_classes)


class ResidualGroup(nn.Module):
    """Two convolutions with batch normalization; the image is halved after the first.

    Parameters
    ----------
    in_channels, out_channels : int
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = _convolution(in_channels, out_channels)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.activation1 = nn.GELU()
        self.conv2 = _convolution(out_channels, out_channels)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.activation2 = nn.GELU()

    def forward(self, X):
        """Transform (n, in_channels, H, W) to (n, out_channels, H // 2, W // 2)."""
        X = self.activation1(self.norm1(self.pool(self.conv1(X))))
        return X + self.activation2(self.norm2(self.conv2(X)))


def _convolution(in_channels, out_channels):
    """A 3x3 convolution that keeps the size of the image."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
