"""The article's convolutional network, for any image shape and any classes."""

import numbers
from collections.abc import Iterable

from torch import nn

from skmnist.networks._image_network import ImageNetwork, is_positive_integer


class CNN(ImageNetwork):
    """Network with two convolutions and one hidden layer; it returns log-probabilities.

    This is the network of the article "MNIST with PyTorch and scikit-learn". With the
    default parameters it has 431,080 weights.

    Parameters
    ----------
    image_shape : tuple of three int, default=(1, 28, 28)
        Channels, height and width of an image. Images with a height or width under 16
        pixels are resized to 28x28 in the network (bilinear), because nothing would be
        left of them after two convolutions and two poolings.
    n_classes : int, default=10
        Number of classes.
    mean, std : float or sequence of float, default=0.0 and 1.0
        Mean and standard deviation of the pixels, one for all channels or one for each.
        The network standardizes its input with them. They are buffers, so they are
        saved with the weights.
    channels : tuple of two int, default=(20, 50)
        Output channels of the two convolutions.
    kernel_size : int, default=5
        Height and width of the kernels of both convolutions, in pixels.
    hidden_units : int, default=500
        Units of the hidden fully connected layer.
    dropout : float, default=0.0
        Probability, in [0, 1), that a hidden unit is set to 0 in a training step.
    average_flips : bool, default=False
        Whether predictions average over each image and its mirror image. Averages are
        those of log-probabilities, normalized.
    average_shifts : bool, default=False
        Whether predictions average over each image and two copies of it, which are
        shifted by one pixel along the diagonal, with edges reflected. With
        `average_flips`, also over their mirror images, which makes six.

    Raises
    ------
    ValueError
        If a parameter is not as described, or `kernel_size` is too large for
        `image_shape`.

    See Also
    --------
    skmnist.MnistCNNClassifier : Trains it.

    Examples
    --------
    >>> import torch
    >>> from skmnist.networks import CNN
    >>> network = CNN()
    >>> sum(weights.numel() for weights in network.parameters())
    431080
    >>> network(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    accepts_raw_pixels = True
    supports_bfloat16 = True

    def __init__(
        self,
        image_shape=(1, 28, 28),
        n_classes=10,
        mean=0.0,
        std=1.0,
        channels=(20, 50),
        kernel_size=5,
        hidden_units=500,
        dropout=0.0,
        average_flips=False,
        average_shifts=False,
    ):
        _check_parameters(channels, kernel_size, hidden_units, dropout)
        super().__init__(image_shape, mean, std, average_flips, average_shifts)
        in_channels, height, width = self.prepared_shape
        height, width = (
            _side_after(_side_after(side, kernel_size), kernel_size)
            for side in (height, width)
        )
        if min(height, width) < 1:
            raise ValueError(
                f"Got kernel_size={kernel_size}, which leaves nothing of an image of "
                f"shape {tuple(image_shape)} after two convolutions and two poolings. "
                "Pass a smaller kernel_size (the default is 5)."
            )
        first, second = (int(number) for number in channels)
        kernel_size, hidden_units = int(kernel_size), int(hidden_units)
        self.conv1 = nn.Conv2d(in_channels, first, kernel_size)
        self.pool1 = nn.MaxPool2d(2)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(first, second, kernel_size)
        self.pool2 = nn.MaxPool2d(2)
        self.relu2 = nn.ReLU()
        self.fc1 = nn.Linear(second * height * width, hidden_units)
        self.relu3 = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden_units, n_classes)

    @property
    def architecture(self):
        return {
            "channels": [self.conv1.out_channels, self.conv2.out_channels],
            "kernel_size": self.conv1.kernel_size[0],
            "hidden_units": self.fc1.out_features,
            "dropout": self.dropout.p,
            "average_flips": self.average_flips,
            "average_shifts": self.average_shifts,
        }

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
        # pooling before ReLU gives the same numbers with a quarter of the work
        X = self.relu1(self.pool1(self.conv1(X)))  # (n, 20, 12, 12)
        X = self.relu2(self.pool2(self.conv2(X)))  # (n, 50, 4, 4)
        X = self.relu3(self.fc1(X.flatten(1)))  # (n, 500)
        if self.dropout.training:  # single images would feel a call that does nothing
            X = self.dropout(X)
        return self.fc2(X)  # (n, n_classes)


def _check_parameters(channels, kernel_size, hidden_units, dropout):
    """Raise ValueError for invalid parameters of `CNN`."""
    sizes = [*channels] if isinstance(channels, Iterable) else []
    if len(sizes) != 2 or not all(map(is_positive_integer, sizes)):
        raise ValueError(
            f"Got channels={channels!r}, expected two integers of at least 1: the "
            "output channels of the two convolutions. For another number of "
            "convolutions, pass a network of your own as module."
        )
    for name, size in (("kernel_size", kernel_size), ("hidden_units", hidden_units)):
        if not is_positive_integer(size):
            raise ValueError(f"Got {name}={size!r}, expected an integer of at least 1.")
    if not (isinstance(dropout, numbers.Real) and 0 <= dropout < 1):
        raise ValueError(f"Got dropout={dropout!r}, expected a fraction in [0, 1).")


def _side_after(side, kernel_size):
    """Side of an image after one convolution and one pooling, in pixels."""
    return (side - kernel_size + 1) // 2
