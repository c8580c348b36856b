"""Random transforms of training images, drawn for each image in each epoch."""

import math
import numbers

import torch
from torch.nn import functional as F

__all__ = [
    "AlternatingFlip",
    "RandomAffine",
    "RandomErasing",
    "RandomFlip",
    "RandomShift",
]

GOLDEN_RATIO = 2654435769
"""2**32 divided by the golden ratio: Knuth's multiplier of a multiplicative hash."""


class ImageTransform:
    """A transform of batches of images, whose `vars` are its parameters."""

    def __repr__(self):
        parameters = (f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(parameters)})"


def _check(name, value, is_good, expected, kind=numbers.Real):
    """Raise TypeError or ValueError for a parameter that is not what is expected."""
    if not isinstance(value, kind):
        raise TypeError(f"Got {name}={value!r}, expected {expected}.")
    if not is_good(value):
        raise ValueError(f"Got {name}={value}, expected {expected}.")


def _check_pixels(name, value):
    """Raise TypeError or ValueError for anything but a number of whole pixels."""
    expected = "pixels, an integer of at least 0"
    _check(name, value, lambda v: v >= 0, expected, kind=numbers.Integral)


def _mirror(X, mirrored):
    """Mirror the images of a batch for which `mirrored`, of shape (n,), is True."""
    return torch.where(mirrored[:, None, None, None], X.flip(3), X)


class RandomAffine(ImageTransform):
    """Rotate, shift, scale and shear each image of a batch by random amounts.

    Classifiers with `augmentation=RandomAffine` call it on each training batch, not in
    prediction. All images of a batch are transformed together, on their device, with
    bilinear interpolation. Pixels outside the image take the value of the nearest edge
    pixel.

    Parameters
    ----------
    rotation : float, default=10.0
        Maximum angle in degrees, in [0, 180]; angles are uniform in
        [-rotation, rotation].
    shift : float, default=1.0
        Maximum shift along each axis in pixels, at least 0; shifts are uniform in
        [-shift, shift].
    scale : float, default=0.1
        Maximum relative change of size, in [0, 1); factors are uniform in
        [1 - scale, 1 + scale].
    shear : float, default=0.0
        Maximum slant in degrees, in [0, 90), of lines that were vertical; angles are
        uniform in [-shear, shear].

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of range, or not a number.

    See Also
    --------
    torchvision.transforms.v2.RandomAffine : Same transform for all images of a batch.

    Examples
    --------
    >>> import torch
    >>> from skmnist import RandomAffine
    >>> X = torch.zeros(5, 1, 28, 28)
    >>> RandomAffine(rotation=15.0)(X).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(self, rotation=10.0, shift=1.0, scale=0.1, shear=0.0):
        _check("rotation", rotation, lambda v: 0 <= v <= 180, "degrees in [0, 180]")
        _check("shift", shift, lambda v: 0 <= v < math.inf, "pixels, at least 0")
        _check("scale", scale, lambda v: 0 <= v < 1, "a fraction in [0, 1)")
        _check("shear", shear, lambda v: 0 <= v < 90, "degrees in [0, 90)")
        self.rotation = rotation
        self.shift = shift
        self.scale = scale
        self.shear = shear

    def __call__(self, X):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W), floating point

        Returns
        -------
        tensor of shape (n, C, H, W)
        """
        n, _, height, width = X.shape

        def uniform(maximum):
            return (torch.rand(n, dtype=X.dtype, device=X.device) * 2 - 1) * maximum

        angle, size = uniform(math.radians(self.rotation)), 1 + uniform(self.scale)
        cos, sin = angle.cos() / size, angle.sin() / size
        right, down = (uniform(2 * self.shift / side) for side in (width, height))
        slant = uniform(math.radians(self.shear)).tan()
        # where each pixel comes from, in coordinates from -1 to 1 on each axis; in one
        # step for the columns and one for the rows, which F.affine_grid takes six times
        # as long for
        x, y = (
            (torch.arange(side, dtype=X.dtype, device=X.device) * 2 + 1) / side - 1
            for side in (width, height)
        )
        ratio = height / width
        from_x = torch.outer(cos, x), torch.outer(-sin / ratio, x)
        from_y = (
            torch.outer((cos * slant + sin) * ratio, y) + right[:, None],
            torch.outer(cos - sin * slant, y) + down[:, None],
        )
        origin = [
            row[:, None, :] + column[:, :, None]
            for row, column in zip(from_x, from_y, strict=True)
        ]
        grid = torch.stack(origin, dim=3)  # (n, H, W, 2)
        return F.grid_sample(X, grid, padding_mode="border", align_corners=False)


class RandomFlip(ImageTransform):
    """Mirror each image of a batch, left to right, with a given probability.

    Parameters
    ----------
    p : float, default=0.5
        Probability, in [0, 1], of each image to be mirrored.

    Raises
    ------
    ValueError, TypeError
        If p is out of range, or not a number.

    See Also
    --------
    AlternatingFlip : Mirrors each image in every other epoch.

    Examples
    --------
    >>> import torch
    >>> from skmnist import RandomFlip
    >>> RandomFlip(p=1.0)(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 2., 1.]]]])
    """

    def __init__(self, p=0.5):
        _check("p", p, lambda v: 0 <= v <= 1, "a probability in [0, 1]")
        self.p = p

    def __call__(self, X):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W)

        Returns
        -------
        tensor of shape (n, C, H, W)
        """
        return _mirror(X, torch.rand(len(X), device=X.device) < self.p)


class AlternatingFlip(ImageTransform):
    """Mirror each image, left to right, in every other epoch.

    Two consecutive epochs show the network each image both ways. With `RandomFlip`,
    half of the images look the same in both, and the network learns more slowly [1]_.

    See Also
    --------
    RandomFlip : Mirrors each image with a given probability.

    Notes
    -----
    No random numbers are drawn. Half of the images are mirrored in even epochs, the
    others in odd ones. A multiplicative hash [2]_ of the position of an image in the
    training data decides which half it is in. The hash spreads positions evenly: half
    of the first images and half of the last ones are mirrored, and half of every second
    or every tenth one, so that the order of the data does not matter.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
       arXiv:2404.00498.
    .. [2] D. Knuth, "The Art of Computer Programming", volume 3, section 6.4.

    Examples
    --------
    >>> import torch
    >>> from skmnist import AlternatingFlip
    >>> X = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> for epoch in range(3):
    ...     AlternatingFlip()(X, positions=torch.tensor([0]), epoch=epoch)
    tensor([[[[1., 2., 3.]]]])
    tensor([[[[3., 2., 1.]]]])
    tensor([[[[1., 2., 3.]]]])
    """

    def __call__(self, X, positions, epoch):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W)
        positions : tensor of shape (n,), int64
            Positions of the images in the training data.
        epoch : int
            Number of epochs before this one.

        Returns
        -------
        tensor of shape (n, C, H, W)
        """
        half = (positions * GOLDEN_RATIO >> 31) % 2
        return _mirror(X, half != epoch % 2)


class RandomShift(ImageTransform):
    """Shift each image of a batch by a random number of whole pixels.

    Pixels from outside the image are those inside, reflected at its edge [1]_. This is
    the same as a random crop of an image that was padded by reflection.

    Parameters
    ----------
    max_shift : int, default=2
        Maximum shift along each axis in pixels, at least 0; shifts are uniform among
        the integers in [-max_shift, max_shift].

    Raises
    ------
    ValueError, TypeError
        If `max_shift` is negative, or not an integer.

    See Also
    --------
    RandomAffine : Shifts by fractions of a pixel, too, by interpolation.

    References
    ----------
    .. [1] K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
       arXiv:2404.00498.

    Examples
    --------
    >>> import torch
    >>> from skmnist import RandomShift
    >>> X = torch.zeros(5, 3, 32, 32)
    >>> RandomShift(max_shift=4)(X).shape
    torch.Size([5, 3, 32, 32])
    """

    def __init__(self, max_shift=2):
        _check_pixels("max_shift", max_shift)
        self.max_shift = max_shift

    def __call__(self, X):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W)

        Returns
        -------
        tensor of shape (n, C, H, W)
        """
        n, channels, height, width = X.shape

        def draw_sources(side):
            """Where each pixel along an axis comes from, of shape (n, side)."""
            low, high = -self.max_shift, self.max_shift + 1
            shift = torch.randint(low, high, (n, 1), device=X.device)
            period = max(2 * (side - 1), 1)  # reflected again and again
            source = (torch.arange(side, device=X.device) + shift) % period
            return torch.minimum(source, period - source)

        rows, columns = draw_sources(height), draw_sources(width)
        # one gather of all pixels takes less time than one for each axis
        pixels = (rows[:, :, None] * width + columns[:, None, :]).view(n, 1, -1)
        return X.flatten(2).gather(2, pixels.expand(-1, channels, -1)).view(X.shape)


class RandomErasing(ImageTransform):
    """Erase a random square of each image of a batch; also known as cutout.

    The centre of the square is uniform over the pixels of the image, so that part of
    the square may be outside [1]_.

    Parameters
    ----------
    size : int, default=8
        Side of the square in pixels, at least 0. It should be less than that of the
        image.

    Raises
    ------
    ValueError, TypeError
        If `size` is negative, or not an integer.

    See Also
    --------
    torchvision.transforms.v2.RandomErasing : Same rectangle for all images of a batch.

    Notes
    -----
    In each channel, the erased pixels take the mean of the image, which depends on no
    other image of the batch. The article uses the mean of the training data.

    References
    ----------
    .. [1] T. DeVries, G. Taylor, "Improved Regularization of Convolutional Neural
       Networks with Cutout", 2017, arXiv:1708.04552.

    Examples
    --------
    >>> import torch
    >>> from skmnist import RandomErasing
    >>> X = torch.zeros(5, 3, 32, 32)
    >>> RandomErasing(size=12)(X).shape
    torch.Size([5, 3, 32, 32])
    """

    def __init__(self, size=8):
        _check_pixels("size", size)
        self.size = size

    def __call__(self, X):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W), floating point

        Returns
        -------
        tensor of shape (n, C, H, W)
        """

        def draw_interval(side):
            """Whether each pixel along an axis is in the square, of shape (n, side)."""
            centre = torch.randint(side, (len(X), 1), device=X.device)
            offset = torch.arange(side, device=X.device) - centre + self.size // 2
            return (offset >= 0) & (offset < self.size)

        rows, columns = (draw_interval(side) for side in X.shape[2:])
        erased = rows[:, None, :, None] & columns[:, None, None, :]
        return torch.where(erased, X.mean((2, 3), keepdim=True), X)
