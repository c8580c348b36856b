"""Random changes of the training images, a new one for each image in each epoch."""

import math
import numbers

import torch
from torch.nn import functional as F


class RandomAffine:
    """Rotate, shift and scale each image of a batch by amounts of its own.

    For `MnistCNNClassifier(augmentation=RandomAffine)`, which calls it on each training
    batch; predictions see images as they are. All images of a batch are transformed
    together, on the device that they are on, with bilinear interpolation. What comes
    into view beyond an edge repeats the edge.

    Parameters
    ----------
    rotation : float, default=10.0
        Largest angle, in degrees, in [0, 180]; angles are uniform in
        [-rotation, rotation].
    shift : float, default=1.0
        Largest shift along each axis, in pixels, at least 0; shifts are uniform in
        [-shift, shift].
    scale : float, default=0.1
        Largest change of size, in [0, 1); factors are uniform in
        [1 - scale, 1 + scale].

    Raises
    ------
    ValueError, TypeError
        If a parameter is not in its range.

    See Also
    --------
    torchvision.transforms.v2.RandomAffine : One transform for all images of a batch.

    Examples
    --------
    >>> import torch
    >>> from skmnist import RandomAffine
    >>> X = torch.zeros(5, 1, 28, 28)
    >>> RandomAffine(rotation=15.0)(X).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(self, rotation=10.0, shift=1.0, scale=0.1):
        for name, value, is_good, expected in (
            ("rotation", rotation, lambda v: 0 <= v <= 180, "degrees in [0, 180]"),
            ("shift", shift, lambda v: 0 <= v < math.inf, "pixels, at least 0"),
            ("scale", scale, lambda v: 0 <= v < 1, "a fraction in [0, 1)"),
        ):
            if not isinstance(value, numbers.Real):
                raise TypeError(f"Got {name}={value!r}, expected {expected}.")
            if not is_good(value):
                raise ValueError(f"Got {name}={value}, expected {expected}.")
        self.rotation = rotation
        self.shift = shift
        self.scale = scale

    def __call__(self, X):
        """Transform a batch.

        Parameters
        ----------
        X : tensor of shape (n, C, H, W), floating point

        Returns
        -------
        tensor of the same shape
        """
        n, _, height, width = X.shape

        def uniform(largest):
            return (torch.rand(n, dtype=X.dtype, device=X.device) * 2 - 1) * largest

        angle, size = uniform(math.radians(self.rotation)), 1 + uniform(self.scale)
        cos, sin = angle.cos() / size, angle.sin() / size
        right, down = (uniform(2 * self.shift / side) for side in (width, height))
        # where each pixel comes from, in coordinates that run from -1 to 1 on each axis
        entries = [
            *(cos, sin * height / width, right),
            *(-sin * width / height, cos, down),
        ]
        origin = torch.stack(entries, dim=1).reshape(n, 2, 3)
        grid = F.affine_grid(origin, X.shape, align_corners=False)
        return F.grid_sample(X, grid, padding_mode="border", align_corners=False)

    def __repr__(self):
        return (
            f"{type(self).__name__}(rotation={self.rotation}, shift={self.shift}, "
            f"scale={self.scale})"
        )
