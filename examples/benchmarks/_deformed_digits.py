"""A stream of deformed digits: more images than fit into memory, from 60,000.

In the manner of Infinite MNIST [1]_, pixels are displaced by smoothed random fields
[2]_ of a bank, and each digit is rotated, scaled, sheared and shifted a little.
Infinite MNIST also makes lines thicker and thinner, which this stream does not.

.. [1] G. Loosli, S. Canu, L. Bottou, "Training Invariant Support Vector Machines using
   Selective Sampling", in: Large-Scale Kernel Machines, MIT Press, 2007.
.. [2] P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural
   Networks Applied to Visual Document Analysis", ICDAR 2003.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

CHUNK = 500
"""Images that are deformed together; few, so that they stay in the cache of a core."""

SIDE = 28
"""Height and width of an image in pixels."""

N_FIELDS = 1000
SMOOTHNESS = 5.0
"""Standard deviation in pixels of the Gaussian filter that smooths a field."""

DISPLACEMENT = 0.5
"""Standard deviation in pixels of the displacement of a pixel along each axis."""

ROTATION, SHEAR = math.radians(15), math.radians(20)
SCALE, SHIFT = 0.15, 2.0
"""Largest relative change of size, and largest shift in pixels, along each axis."""


class DeformedDigits:
    """An endless sequence of deformed images, of which each part can be made alone.

    Image i is image i modulo n of `X`, deformed. Its chunk of the sequence depends only
    on `X`, the seed and the number of the chunk, not on the number of threads.

    Parameters
    ----------
    X : ndarray of shape (n, 784), uint8
        Images of 28x28 pixels, dark outside.
    y : ndarray of shape (n,)
        Labels, integers from 0 to 255.
    seed : int
        At least 0.
    """

    def __init__(self, X, y, seed):
        self.X = X
        self.y = y
        self.seed = seed
        noise = np.random.default_rng(seed).standard_normal(
            (N_FIELDS, SIDE, SIDE, 2), dtype=np.float32
        )
        fields = gaussian_filter(noise, (0, SMOOTHNESS, SMOOTHNESS, 0), mode="wrap")
        self._fields = torch.from_numpy(DISPLACEMENT / fields.std() * fields)

    def make_labels(self, n_images):
        """Return the first labels of the sequence.

        Parameters
        ----------
        n_images : int

        Returns
        -------
        ndarray of shape (n_images,), uint8
        """
        return np.resize(self.y.astype(np.uint8), n_images)

    def make_chunk(self, number):
        """Return images `number * CHUNK` to `(number + 1) * CHUNK` of the sequence.

        Parameters
        ----------
        number : int
            At least 0.

        Returns
        -------
        ndarray of shape (CHUNK, 784), uint8
        """
        chosen = np.arange(number * CHUNK, (number + 1) * CHUNK) % len(self.X)
        images = torch.from_numpy(self.X[chosen]).view(CHUNK, 1, SIDE, SIDE).float()
        rng = np.random.default_rng([self.seed, number])
        pixel = 2 / SIDE  # grids have coordinates from -1 to 1
        affine = torch.from_numpy(_draw_affine_maps(rng, pixel).astype(np.float32))
        grid = F.affine_grid(affine, images.shape, align_corners=False)
        # two independent fields, mixed so that the standard deviation stays the same
        angle = rng.uniform(0, 2 * math.pi, CHUNK)
        for weights in (np.cos(angle), np.sin(angle)):
            fields = self._fields[rng.integers(N_FIELDS, size=CHUNK)]
            weights = torch.from_numpy((pixel * weights).astype(np.float32))
            grid.addcmul_(fields, weights.view(-1, 1, 1, 1))
        deformed = F.grid_sample(images, grid, align_corners=False)
        return deformed.round_().to(torch.uint8).view(CHUNK, -1).numpy()

    def write(self, file, n_images):
        """Write the first images of the sequence in NumPy's format, chunk by chunk.

        Parameters
        ----------
        file : binary file
        n_images : int

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        header = {
            "descr": "|u1",
            "fortran_order": False,
            "shape": (n_images, self.X.shape[1]),
        }
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n_images, CHUNK):
            file.write(self.make_chunk(start // CHUNK)[: n_images - start])


def _draw_affine_maps(rng, pixel):
    """Draw where the pixels of each image come from, of shape (CHUNK, 2, 3)."""
    rotation, shear = (
        rng.uniform(-largest, largest, CHUNK) for largest in (ROTATION, SHEAR)
    )
    width, height = rng.uniform(1 - SCALE, 1 + SCALE, (2, CHUNK))
    right, down = pixel * rng.uniform(-SHIFT, SHIFT, (2, CHUNK))
    cos, sin, slant = np.cos(rotation), np.sin(rotation), np.tan(shear)
    rows = [
        [cos * width, (cos * slant - sin) * height, right],
        [sin * width, (sin * slant + cos) * height, down],
    ]
    return np.moveaxis(np.array(rows), -1, 0)
