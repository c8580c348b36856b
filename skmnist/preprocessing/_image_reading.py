"""From files, PIL images and arrays to luminance at a working resolution."""

import math
import os
import warnings

import numpy as np

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""File formats that are read; Pillow's others are rare or run external programs."""

WORKING_SIZE_RANGE = (256, 512)
"""Smallest and largest longer side of the luminance, in pixels."""


def check_dependencies():
    """Raise ImportError if Pillow or scikit-image is not installed."""
    try:
        import PIL  # noqa: F401
        import skimage  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "DigitPreprocessor needs the packages pillow and scikit-image. Install "
            "them: pip install pillow scikit-image."
        ) from error


def to_list(X):
    """Convert X to a list of pictures; raise TypeError for a single picture."""
    if hasattr(X, "to_numpy"):  # a data frame, or one of its columns
        X = X.to_numpy()
    single = isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "convert")
    if single or not hasattr(X, "__iter__") or hasattr(X, "read"):
        raise TypeError(
            f"Got X as a {type(X).__name__}, expected a list of pictures. Pass [X] for "
            "a single picture."
        )
    return list(X)


def get_name(picture, number):
    """Name a picture in messages: its path, or its position in the list."""
    picture = _unwrap_path(picture)
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    return "the picture" if number is None else f"picture {number}"


def _unwrap_path(picture):
    """Unwrap a path from an array of one element, as a data frame column yields."""
    one = isinstance(picture, np.ndarray) and picture.size == 1
    return picture.item() if one and picture.dtype.kind in "OU" else picture


def read_luminance(picture, name, max_pixels):
    """Read one picture.

    Parameters
    ----------
    picture : path, file, PIL.Image or array
    name : str
        Name of the picture in error messages.
    max_pixels : int
        Files with more pixels are refused.

    Returns
    -------
    rgb : ndarray of shape (height, width, 3), uint8
        The picture; a large file is decoded at a lower resolution.
    luminance : ndarray of shape (new_height, new_width), float64, in [0, 1]
        Resized so that its longer side is in `WORKING_SIZE_RANGE`.
    scale : float
        Size of `luminance` relative to the original picture.
    """
    picture = _unwrap_path(picture)
    if isinstance(picture, (str, os.PathLike)) or hasattr(picture, "read"):
        image, original_side = _open_file(picture, name, max_pixels)
    else:
        image = picture if hasattr(picture, "convert") else _from_array(picture, name)
        original_side = max(image.size)
    if min(image.size) < 1:
        raise ValueError(f"Got {name} of size {image.size}, which has no pixels.")
    rgb = _to_rgb(image, name)
    grey = rgb.convert("L")
    side, (smallest, largest) = max(grey.size), WORKING_SIZE_RANGE
    factor = largest / side if side > largest else math.ceil(smallest / side)
    if factor != 1:
        from PIL.Image import Resampling

        size = [max(1, round(length * factor)) for length in grey.size]
        method = Resampling.HAMMING if factor < 1 else Resampling.BICUBIC
        # as float: 8 bits would turn soft shadows into steps
        grey = grey.convert("F").resize(size, method)
    luminance = np.clip(np.asarray(grey, dtype=np.float64) / 255, 0, 1)
    return np.asarray(rgb), luminance, max(luminance.shape) / original_side


def _open_file(file, name, max_pixels):
    """Read a file, downscaled if it is far larger than needed.

    Returns
    -------
    image : PIL.Image
    original_side : int
        Longer side of the picture in the file, in pixels.
    """
    from PIL import Image, ImageOps

    if isinstance(file, (str, os.PathLike)):
        if not os.path.exists(file):
            raise FileNotFoundError(f"Got {name}, but there is no such file.")
        if not (os.path.isfile(file) or os.path.isdir(file)):
            # reading from a named pipe would block
            raise ValueError(f"Got {name}, which is not a regular file.")
    Image.init()  # some builds of Pillow lack some formats
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow, about faults that it repairs
            with Image.open(file, formats=formats) as image:
                if math.prod(image.size) > max_pixels:
                    raise Image.DecompressionBombError(
                        f"it has {math.prod(image.size):,} pixels"
                    )
                original_side = max(image.size)
                largest = 2 * WORKING_SIZE_RANGE[1]
                image.draft(None, (largest, largest))  # JPEGs can be decoded smaller
                image.load()
                if max(image.size) > largest and image.mode in ("L", "RGB", "RGBA"):
                    image.thumbnail((largest, largest))
                return ImageOps.exif_transpose(image), original_side
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"Got {name}, which is too large to decode: {str(error).rstrip('.')}; at "
            f"most {max_pixels:,} pixels are read. Reduce its size, or increase "
            "max_pixels."
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


def _from_array(values, name):
    """Convert an array to an image with values from 0 to 255."""
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
    modes = {2: "L", (3, 2): "LA", (3, 3): "RGB", (3, 4): "RGBA"}
    mode = modes[2 if values.ndim == 2 else (3, values.shape[2])]
    return Image.fromarray(values.round().astype(np.uint8), mode=mode)


def _to_rgb(image, name):
    """Convert to RGB; put transparent parts on white, or on black for white strokes."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 or 32 bits
        return _from_array(np.asarray(image), name).convert("RGB")
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
