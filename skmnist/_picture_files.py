"""Pictures from files and arrays, and their conversion to images of one shape."""

import math
import numbers
import os
import warnings
from contextlib import contextmanager

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""File formats that are read; Pillow's others are rare or run external programs."""

SUFFIXES = {
    *(".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif"),
    *(".tiff", ".webp"),
}
"""Suffixes of files of these formats, in lower case."""

MAX_PIXELS = 100_000_000
"""Default number of pixels above which a file is refused before it is decoded."""

MAX_SIDE = 4096
"""Largest side of the images that pictures are resized to, in pixels."""

GREY_MODES = {"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
"""Pillow's modes of pictures without colours."""

ORIENTATION = 0x0112
"""EXIF tag of the camera's orientation; from 5 on, width and height are swapped."""

TIFF_SIZE = 256, 257
"""Tags of the width and the height of a TIFF file."""


def is_path(picture):
    """Whether a picture is a path."""
    return isinstance(picture, (str, os.PathLike))


@contextmanager
def _open(file, name, max_pixels=None):
    """Open a file, and turn any error about its content into a ValueError.

    Parameters
    ----------
    file : path or binary file
    name : str
        Name of the picture in error messages.
    max_pixels : int, default=None
        Files with more pixels are refused. None: `MAX_PIXELS`.

    Yields
    ------
    PIL.Image
        Its header has been read, but not its pixels.
    """
    from PIL import Image

    if is_path(file):
        if not os.path.exists(file):
            raise FileNotFoundError(f"Got {name}, but there is no such file.")
        if not (os.path.isfile(file) or os.path.isdir(file)):
            # reading from a named pipe would block
            raise ValueError(f"Got {name}, which is not a regular file.")
    Image.init()  # some builds of Pillow lack some formats
    formats = [name for name in FORMATS if name in Image.OPEN]
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow, about faults that it repairs
            with Image.open(file, formats=formats) as image:
                if math.prod(image.size) > limit:
                    raise Image.DecompressionBombError(
                        f"it has {math.prod(image.size):,} pixels"
                    )
                yield image
    except Image.DecompressionBombError as error:
        hint = "" if max_pixels is None else ", or increase max_pixels"
        raise ValueError(
            f"Got {name}, which is too large to decode: {str(error).rstrip('.')}; at "
            f"most {limit:,} pixels are read. Reduce its size{hint}."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"Got {name}, which cannot be read as an image; expected one of the "
            f"formats {', '.join(formats)}. Convert it to one of them."
        ) from error
    except Exception as error:  # decoders raise anything on damaged files
        if isinstance(error, (IsADirectoryError, PermissionError)):
            raise
        raise ValueError(
            f"Got {name}, which is damaged or not an image: {error}. Copy it again, "
            "or open it in another program and save it again."
        ) from error


def read_header(file, name):
    """Read the size of a picture, and whether it has colours, but not its pixels.

    Parameters
    ----------
    file : path
    name : str
        Name of the picture in error messages.

    Returns
    -------
    tuple (channels, height, width)
        As the picture is shown; one channel if the file is of a kind without colours,
        otherwise three.

    Raises
    ------
    OSError, ValueError
        If the header cannot be read.
    """
    from PIL import Image

    with _open(file, name) as image:
        # that of PNG would decode the pixels, to look for the tag behind them
        orientation = Image.Image.getexif(image).get(ORIENTATION)
        width, height = image.size
        if image.format == "TIFF":  # some versions of Pillow turn its size already
            width, height = (image.tag_v2[tag] for tag in TIFF_SIZE)
        if orientation in (5, 6, 7, 8):
            width, height = height, width
        return (1 if image.mode in GREY_MODES else 3, height, width)


def read_picture(file, name, *, max_pixels=None, side=None, reduce=False):
    """Read a file, and turn the picture as the camera's orientation says.

    Parameters
    ----------
    file : path or binary file
    name : str
        Name of the picture in error messages.
    max_pixels : int, default=None
        Files with more pixels are refused. None: `MAX_PIXELS`.
    side : int, default=None
        Sides of this length suffice: JPEG files are decoded at a lower resolution.
    reduce : bool, default=False
        Whether to scale larger pictures down so that both sides have at most `side`
        pixels.

    Returns
    -------
    image : PIL.Image
    original_size : tuple of two int
        Width and height of the picture in the file as it is shown, in pixels.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    from PIL import ImageOps

    with _open(file, name, max_pixels) as image:
        original_size = image.size
        if side is not None:
            image.draft(None, (side, side))
        image.load()
        if reduce and max(image.size) > side and image.mode in ("L", "RGB", "RGBA"):
            image.thumbnail((side, side))
        turned = ImageOps.exif_transpose(image)
        is_wide, was_wide = (w > h for w, h in (turned.size, original_size))
        return turned, original_size if is_wide == was_wide else original_size[::-1]


def from_array(values, name, *, rescale=True):
    """Convert an array to an image with values from 0 to 255.

    Parameters
    ----------
    values : array-like of shape (height, width), (height, width, channels) or \
            (channels, height, width)
    name : str
        Name of the picture in error messages.
    rescale : bool, default=True
        Whether the values have a scale to be guessed. If False, they are from 0 to 255
        and of type uint8.

    Returns
    -------
    PIL.Image

    Raises
    ------
    TypeError, ValueError
        If it is not a picture.
    """
    import numpy as np
    from PIL import Image

    try:
        values = np.asarray(values)
    except Exception as error:  # np.asarray passes on any error of the object
        raise TypeError(
            f"Got {name} as a {type(values).__name__}, expected a path, a file, an "
            "image or an array."
        ) from error
    if values.dtype.kind not in "buif":
        raise TypeError(
            f"Got {name} as an array of type {values.dtype}, expected a path, a file, "
            "an image or an array of numbers."
        )
    if not rescale and values.dtype != np.uint8:
        raise TypeError(
            f"Got {name} as an array of type {values.dtype}, expected uint8, from 0 to "
            "255. Pass numbers of this scale and type."
        )
    if values.ndim == 3 and values.shape[2] > 4 and values.shape[0] <= 4:
        values = np.moveaxis(values, 0, 2)  # channels first, as in torch
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] > 4):
        hint = ""
        if values.ndim == 1 and math.isqrt(values.size) ** 2 == values.size:
            side = math.isqrt(values.size)
            hint = f" Reshape rows of pixels first: X.reshape(-1, {side}, {side})."
        raise ValueError(
            f"Got {name} of shape {values.shape}, expected (height, width), "
            f"optionally with 1 to 4 channels.{hint}"
        )
    if values.size == 0:
        raise ValueError(f"Got {name} of shape {values.shape}, which has no pixels.")
    if rescale:
        values = _scale_to_255(values, name)
    modes = {2: "L", (3, 2): "LA", (3, 3): "RGB", (3, 4): "RGBA"}
    mode = modes[2 if values.ndim == 2 else (3, values.shape[2])]
    return Image.fromarray(np.ascontiguousarray(values), mode=mode)


def _scale_to_255(values, name):
    """Convert brightness from 0 to 1, 255 or 65535 to uint8."""
    import numpy as np

    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError(
            f"Got {name} with values below 0, infinite or NaN; expected brightness "
            "from 0 to 1, 255 or 65535."
        )
    values = values.astype(np.float64)
    largest = values.max()
    if largest > 65535:
        raise ValueError(
            f"Got {name} with values up to {largest}, expected at most 65535."
        )
    if largest <= 1:  # bool, floats up to 1, and integers that are only 0 and 1
        values *= 255
    elif largest > 255:
        values *= 255 / 65535
    return values.round().astype(np.uint8)


def to_rgb(image, name):
    """Convert to RGB; put transparent parts on white, or on black for white strokes.

    Parameters
    ----------
    image : PIL.Image
    name : str
        Name of the picture in error messages.

    Returns
    -------
    PIL.Image
    """
    import numpy as np
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 or 32 bits
        return from_array(np.asarray(image), name).convert("RGB")
    if image.mode not in ("RGBA", "LA", "PA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    for paper in ("white", "black"):
        composite = Image.new("RGBA", image.size, paper)
        composite.alpha_composite(image)
        rgb = composite.convert("RGB")
        if any(low != high for low, high in rgb.getextrema()):
            break
    return rgb


def to_pixels(image, name, image_shape):
    """Convert a picture to grey or RGB and resize it.

    The sides are scaled separately, by bilinear interpolation that averages over all
    pixels where it reduces (antialiasing), as torchvision's `Resize((height, width))`.

    Parameters
    ----------
    image : PIL.Image
    name : str
        Name of the picture in error messages.
    image_shape : tuple (channels, height, width)
        With 1 or 3 channels.

    Returns
    -------
    ndarray of shape (height, width) or (3, height, width), uint8
    """
    import numpy as np
    from PIL import Image
    from PIL.Image import Resampling

    channels, height, width = image_shape
    if min(image.size) < 1:
        raise ValueError(f"Got {name} of size {image.size}, which has no pixels.")
    if image.mode.startswith("I;16"):  # a dark picture stays dark
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if image.mode != "L" or channels == 3:
        image = to_rgb(image, name)
        if channels == 1:
            image = image.convert("L")
    pixels = np.asarray(image.resize((width, height), Resampling.BILINEAR))
    return pixels if channels == 1 else np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def get_array_shape(image_shape):
    """Get the shape of the array of an image, which lacks a single channel."""
    channels, *size = image_shape
    return tuple(size) if channels == 1 else (channels, *size)


def read_pixels(file, name, image_shape):
    """Read a file as an image of one shape.

    Parameters
    ----------
    file : path or binary file
    name : str
        Name of the picture in error messages.
    image_shape : tuple (channels, height, width)
        With 1 or 3 channels.

    Returns
    -------
    ndarray of shape (height, width) or (3, height, width), uint8

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    image, _ = read_picture(file, name, side=2 * max(image_shape[1:]))
    return to_pixels(image, name, image_shape)


def check_image_shape(image_shape):
    """Raise TypeError or ValueError unless a shape is one that pictures can have.

    Parameters
    ----------
    image_shape : object
    """
    if not isinstance(image_shape, (tuple, list)) or not all(
        isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in image_shape
    ):
        raise TypeError(
            f"Got image_shape={image_shape!r:.100}, expected a tuple of three "
            "integers: channels, height and width."
        )
    if (
        len(image_shape) != 3
        or image_shape[0] not in (1, 3)
        or not all(1 <= side <= MAX_SIDE for side in image_shape[1:])
    ):
        raise ValueError(
            f"Got image_shape={image_shape!r:.100}, expected (channels, height, width) "
            f"with 1 channel (grey) or 3 (RGB) and sides from 1 to {MAX_SIDE}, such as "
            "(3, 32, 32)."
        )
