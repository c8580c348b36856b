"""Random transforms of training images, drawn for each image in each epoch."""

import math
import numbers

import torch
from torch.nn import functional as F


class RandomAffine:
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
        for name, value, is_good, expected in (
            ("rotation", rotation, lambda v: 0 <= v <= 180, "degrees in [0, 180]"),
            ("shift", shift, lambda v: 0 <= v < math.inf, "pixels, at least 0"),
            ("scale", scale, lambda v: 0 <= v < 1, "a fraction in [0, 1)"),
            ("shear", shear, lambda v: 0 <= v < 90, "degrees in [0, 90)"),
        ):
            if not isinstance(value, numbers.Real):
                raise TypeError(f"Got {name}={value!r}, expected {expected}.")
            if not is_good(value):
                raise ValueError(f"Got {name}={value}, expected {expected}.")
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

    def __repr__(self):
        return (
            f"{type(self).__name__}(rotation={self.rotation}, shift={self.shift}, "
            f"scale={self.scale}, shear={self.shear})"
        )
