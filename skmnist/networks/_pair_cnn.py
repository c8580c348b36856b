"""The article's network for images of one digit or two."""

import math

import torch

from skmnist.networks._cnn import CNN


class PairCNN(CNN):
    """`CNN` for images of one digit or two: the score of a pair is a sum.

    The network has three outputs for each of k digits: the scores of a single digit, of
    the left one and of the right one. The score of the class "42" is the sum of those
    of a 4 at the left and a 2 at the right, so that every image of a 4 at the left
    trains it, and a network of the same size learns pairs from fewer images than `CNN`.

    Parameters
    ----------
    image_shape : tuple of three int, default=(1, 28, 48)
        Channels, height and width of an image.
    n_classes : int, default=110
        Number of classes, k * (k + 1): each digit, and each pair of digits. Sorted as
        strings, as `MnistCNNClassifier` sorts them, they are "0", "00", "01", ...,
        "09", "1", "10", and so on.
    mean, std : float or sequence of float, default=0.0 and 1.0
        Mean and standard deviation of the pixels, as in `CNN`.
    channels : tuple of two int, default=(20, 50)
        Output channels of the two convolutions.
    kernel_size : int, default=5
        Height and width of the kernels of both convolutions, in pixels.
    hidden_units : int, default=500
        Units of the hidden fully connected layer.
    dropout : float, default=0.0
        Probability, in [0, 1), that a hidden unit is set to 0 in a training step.
    average_flips, average_shifts : bool, default=False
        Whether predictions average over mirrored or shifted copies of an image, as in
        `CNN`; a mirrored digit is none.

    Raises
    ------
    ValueError
        If `n_classes` is no such number, or as in `CNN`.

    See Also
    --------
    skmnist.MnistCNNClassifier.with_pairs_recipe : Creates a classifier that trains it.
    skmnist.datasets.make_touching_digits : Generates images of one digit or two.

    Examples
    --------
    >>> import torch
    >>> from skmnist.networks import PairCNN
    >>> network = PairCNN()
    >>> network(torch.zeros(2, 1, 28, 48)).shape
    torch.Size([2, 110])
    """

    accepts_raw_pixels = True
    supports_bfloat16 = True

    def __init__(
        self,
        image_shape=(1, 28, 48),
        n_classes=110,
        mean=0.0,
        std=1.0,
        channels=(20, 50),
        kernel_size=5,
        hidden_units=500,
        dropout=0.0,
        average_flips=False,
        average_shifts=False,
    ):
        n_digits = math.isqrt(n_classes)
        if n_digits * (n_digits + 1) != n_classes:
            raise ValueError(
                f"Got n_classes={n_classes}, expected k * (k + 1) classes for k "
                "digits, such as 110 for ten: each digit and each pair of digits. "
                "Train on images of all of them; more images contain more pairs."
            )
        super().__init__(
            image_shape,
            3 * n_digits,
            mean,
            std,
            channels,
            kernel_size,
            hidden_units,
            dropout,
            average_flips,
            average_shifts,
        )

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
        scores = super().score(X).to(self.mean.dtype)  # where autocast has less
        scores = scores.unflatten(1, (3, -1))  # (n, 3, k)
        single, left, right = scores.unsqueeze(3).unbind(1)  # (n, k, 1)
        pairs = left + right.mT  # (n, k, k)
        return torch.cat([single, pairs], dim=2).flatten(1)  # (n, k * (k + 1))
