"""Strokes as points: found in images, deformed, and drawn with a pen like MNIST's."""

import itertools

import numpy as np

from skmnist._centering import CANVAS_SIZE, DIGIT_SIZE

OVERSAMPLING = 2
"""Pixels of a drawing for each of the image, along each axis."""

PEN = (1.2, 4.2)
"""Width of the pen in pixels of the image."""

N_PENS = 8
"""Number of different widths of the pen: images of the same are drawn together."""

INK_LEVEL = 0.4
"""Fraction of a digit's brightest pixel from which a pixel is ink.

Below one half, because thin strokes of MNIST are grey.
"""

REDRAWN = 0.5
"""How much digits are deformed that are drawn again."""

CHUNK = 1000
"""Images that are drawn together; few, so that they stay in the cache."""

N_WAVES = 3
"""Number of waves that displace the points along each axis."""


class Strokes:
    """Drawings as points on the middle of their strokes.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2), float
        Rows and columns.
    owners : ndarray of shape (n_points,), int
        Number of the drawing of each point, in ascending order; no number up to the
        largest is missing.
    """

    def __init__(self, points, owners):
        self.points = points
        self.owners = owners
        self._starts = np.flatnonzero(np.diff(owners, prepend=-1))

    def __len__(self):
        return len(self._starts)

    def take(self, numbers):
        """Return the drawings with these numbers, in this order."""
        lengths = np.diff(self._starts, append=len(self.points))[numbers]
        owners = np.repeat(np.arange(len(numbers)), lengths)
        offset = self._starts[numbers] - np.cumsum(lengths) + lengths
        return Strokes(
            self.points[np.arange(len(owners)) + np.repeat(offset, lengths)], owners
        )

    def normalize(self):
        """Return the drawings moved and scaled into [-1, 1] along their longer side."""
        low = np.minimum.reduceat(self.points, self._starts)
        high = np.maximum.reduceat(self.points, self._starts)
        half = (high - low).max(axis=1, keepdims=True) / 2
        scale = np.maximum(half, 1e-6)
        points = self.points - ((low + high) / 2)[self.owners]
        return Strokes(points / scale[self.owners], self.owners)

    def deform(self, amount, rng):
        """Rotate, shear, stretch and bend each drawing at random.

        Parameters
        ----------
        amount : float
            1 is as much as the hands of many people do.
        rng : RandomState

        Returns
        -------
        Strokes
        """
        strokes = self.normalize()
        n, owners = len(strokes), strokes.owners
        angle, shear = amount * rng.uniform(-0.25, 0.25, (2, n))
        stretch = np.exp(amount * rng.uniform(-0.3, 0.3, n))
        cos, sin = np.cos(angle), np.sin(angle)
        maps = np.array(
            [[cos * stretch, sin], [(shear * cos - sin) * stretch, cos + shear * sin]]
        )
        points = np.einsum("ijn,nj->ni", maps[:, :, owners], strokes.points)
        moved = points.copy()
        for _ in range(N_WAVES):
            frequency = rng.normal(0, 2, (n, 2))
            phase = rng.uniform(0, 2 * np.pi, n)
            size = amount * rng.normal(0, 0.07, (n, 2))
            wave = np.sin((points * frequency[owners]).sum(axis=1) + phase[owners])
            moved += size[owners] * wave[:, None]
        return Strokes(moved, owners)

    def draw(self, rng):
        """Draw the strokes, each drawing with its own pen, scaled as in MNIST.

        Parameters
        ----------
        rng : RandomState

        Returns
        -------
        ndarray of shape (n, 28, 28), uint8
        """
        strokes = self.normalize()
        n, owners = len(strokes), strokes.owners
        widths = np.linspace(*PEN, N_PENS)[rng.randint(N_PENS, size=n)]
        points = strokes.points * ((DIGIT_SIZE - widths) / 2)[owners, None]
        mass = np.add.reduceat(points, strokes._starts)
        middle = mass / np.bincount(owners)[:, None]
        # within which a drawing stays in the image
        margin = (CANVAS_SIZE - DIGIT_SIZE) / 2
        points -= middle.clip(-margin, margin)[owners]
        side = CANVAS_SIZE * OVERSAMPLING
        pixels = np.rint(points * OVERSAMPLING + (side - 1) / 2).astype(np.int64)
        pixels = pixels.clip(0, side - 1)
        canvas = np.zeros((n, side, side), np.uint8)
        canvas[owners, pixels[:, 0], pixels[:, 1]] = 255
        images = np.empty((n, CANVAS_SIZE, CANVAS_SIZE), np.uint8)
        for width in np.unique(widths):
            chosen = widths == width
            inked = _apply_pen(canvas[chosen], width * OVERSAMPLING / 2)
            shape = (len(inked), CANVAS_SIZE, OVERSAMPLING, CANVAS_SIZE, OVERSAMPLING)
            images[chosen] = inked.reshape(shape).mean(axis=(2, 4)).round()
        return images


def find_strokes(images):
    """Find the middle of the strokes of drawings, each of which has ink.

    Where the distance from the edge is a local maximum. The points may have gaps, which
    are narrower than a pen.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), bool
        Where there is ink.

    Returns
    -------
    Strokes
    """
    rest = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    distance = np.zeros(rest.shape, np.uint8)
    for square in itertools.cycle([False, True]):  # in turn, they make an octagon
        if not rest.any():
            break
        distance += rest
        rest = ~_spread(~rest, square)
    highest = _spread(distance, True)
    owners, *points = np.nonzero((distance == highest) & (distance > 0))
    return Strokes(np.stack(points, axis=1).astype(float), owners)


def redraw_digits(images, rng):
    """Draw digits again, slightly deformed and each with another pen.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28)
        Digits, each of which has ink.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n, 28, 28), uint8
    """
    drawings = np.empty((len(images), CANVAS_SIZE, CANVAS_SIZE), np.uint8)
    for start in range(0, len(images), CHUNK):
        chunk = slice(start, start + CHUNK)
        strokes = find_strokes(_find_ink(images[chunk]))
        drawings[chunk] = strokes.deform(REDRAWN, rng).draw(rng)
    return drawings


def _find_ink(images):
    """Enlarge digits, and return where they have ink, as (n, height, width) of bool."""
    side = CANVAS_SIZE * OVERSAMPLING
    position = (np.arange(side) + 0.5) / OVERSAMPLING - 0.5
    distance = np.abs(position[:, None] - np.arange(CANVAS_SIZE))
    weights = np.maximum(0, 1 - distance).astype(np.float32)  # of the interpolation
    large = weights @ images.astype(np.float32) @ weights.T
    return large > INK_LEVEL * large.max(axis=(1, 2), keepdims=True)


def _spread(images, square):
    """Maximum of each pixel and its four neighbours, or eight if `square`."""
    spread = images.copy()
    np.maximum(spread[:, 1:], images[:, :-1], out=spread[:, 1:])
    np.maximum(spread[:, :-1], images[:, 1:], out=spread[:, :-1])
    source = spread.copy() if square else images
    np.maximum(spread[:, :, 1:], source[:, :, :-1], out=spread[:, :, 1:])
    np.maximum(spread[:, :, :-1], source[:, :, 1:], out=spread[:, :, :-1])
    return spread


def _apply_pen(canvas, radius):
    """Draw a disc with a soft edge around each pixel that is set."""
    reach = int(np.ceil(radius + 0.5))
    side = canvas.shape[1]
    padded = np.pad(canvas, ((0, 0), (reach, reach), (reach, reach)))
    inked = canvas.copy()
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            opacity = radius + 0.5 - np.hypot(down, right)
            if opacity <= 0:
                continue
            part = padded[:, reach + down :, reach + right :][:, :side, :side]
            if opacity < 1:
                part = (part > 0) * np.uint8(255 * opacity)
            np.maximum(inked, part, out=inked)
    return inked
