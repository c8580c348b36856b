"""Pictures of all kinds, read as luminance of a size that is good to work on."""

import math
import os
import warnings

import numpy as np

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Kinds of files that are read; Pillow's others are rare, or run other programs."""

WORKING_SIDES = (256, 512)
"""Bounds of the longer side, in pixels, of the picture that is worked on."""


def check_extra():
    """Raise ImportError if what works on the images is not installed."""
    try:
        import PIL  # noqa: F401
        import skimage  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "DigitPreprocessor needs the packages pillow and scikit-image. Install "
            "them: pip install pillow scikit-image."
        ) from error


def as_list(X):
    """The pictures of X as a list; TypeError if X is none, or a single one."""
    if hasattr(X, "to_numpy"):  # a data frame, or one of its columns
        X = X.to_numpy()
    single = isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "convert")
    if single or not hasattr(X, "__iter__") or hasattr(X, "read"):
        raise TypeError(
            f"Got X as a {type(X).__name__}, expected a list of pictures. Pass [X], if "
            "it is one."
        )
    return list(X)


def name_of(picture, number):
    """What the user knows a picture by."""
    picture = _out_of_array(picture)
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    return "the picture" if number is None else f"picture {number}"


def _out_of_array(picture):
    """A path that comes as an array of one, as out of a column of a data frame."""
    one = isinstance(picture, np.ndarray) and picture.size == 1
    return picture.item() if one and picture.dtype.kind in "OU" else picture


def read_luminance(picture, name, max_pixels):
    """Read one picture.

    Returns
    -------
    shown : ndarray of shape (height, width, 3), uint8
    luminance : ndarray of shape (height, width), float64, in [0, 1]
        Scaled to a size that is good to work on.
    enlarged : float
        By how much it is larger than the picture.
    """
    picture = _out_of_array(picture)
    if isinstance(picture, (str, os.PathLike)) or hasattr(picture, "read"):
        image, original = _open(picture, name, max_pixels)
    elif hasattr(picture, "convert"):
        image = picture
        original = max(image.size)
    else:
        image = _from_array(picture, name)
        original = max(image.size)
    if min(image.size) < 1:
        raise ValueError(f"Got {name} of size {image.size}, which has no pixels.")
    rgb = _over_white(image, name)
    shown = np.asarray(rgb)
    grey = rgb.convert("L")
    side, (least, most) = max(grey.size), WORKING_SIDES
    factor = most / side if side > most else math.ceil(least / side)
    if factor != 1:
        from PIL.Image import Resampling

        size = [max(1, round(length * factor)) for length in grey.size]
        method = Resampling.HAMMING if factor < 1 else Resampling.BICUBIC
        # in floating point: eight bits would make steps of soft shadows
        grey = grey.convert("F").resize(size, method)
    luminance = np.clip(np.asarray(grey, dtype=np.float64) / 255, 0, 1)
    return shown, luminance, max(luminance.shape) / original


def _open(file, name, max_pixels):
    """Read a file, scaled down where it is far larger than needed.

    Returns
    -------
    image : PIL.Image
    original : int
        Its longer side before that, in pixels.
    """
    from PIL import Image, ImageOps

    if isinstance(file, (str, os.PathLike)):
        if not os.path.exists(file):
            raise FileNotFoundError(f"Got {name}, but there is no such file.")
        if not (os.path.isfile(file) or os.path.isdir(file)):
            # a named pipe would be waited for
            raise ValueError(f"Got {name}, which is no regular file.")
    Image.init()  # some of its builds lack some formats
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about what it mends by itself
            with Image.open(file, formats=formats) as image:
                if math.prod(image.size) > max_pixels:
                    raise Image.DecompressionBombError(
                        f"it has {math.prod(image.size):,} pixels"
                    )
                original = max(image.size)
                most = 2 * WORKING_SIDES[1]
                image.draft(None, (most, most))  # JPEGs can be read smaller
                image.load()
                if max(image.size) > most and image.mode in ("L", "RGB", "RGBA"):
                    image.thumbnail((most, most))
                return ImageOps.exif_transpose(image), original
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"Got {name}, which is too large to unpack: {error}; at most "
            f"{max_pixels:,} are read. Make it smaller, or raise max_pixels."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"Got {name}, which is no picture that can be read; expected a file of "
            f"one of the kinds {', '.join(formats)}. Convert it into one."
        ) from error
    except Exception as error:  # decoders raise anything on damaged files
        if isinstance(error, (IsADirectoryError, PermissionError)):
            raise
        raise ValueError(
            f"Got {name}, which is damaged, or no picture: {error}. Copy it again, or "
            "open and save it with another program."
        ) from error


def _from_array(values, name):
    """Turn an array into an image, with its values on the scale from 0 to 255."""
    from PIL import Image

    try:
        values = np.asarray(values)
    except Exception as error:  # of whatever it is
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
        values = np.moveaxis(values, 0, 2)  # channels first, as torch has them
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] > 4):
        hint = ""
        if values.ndim == 1 and math.isqrt(values.size) ** 2 == values.size:
            side = math.isqrt(values.size)
            hint = f" Rows of pixels are no pictures: X.reshape(-1, {side}, {side})."
        raise ValueError(
            f"Got {name} of shape {values.shape}, expected (height, width), or that "
            f"with 1 to 4 channels.{hint}"
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
    if largest <= 1:  # bool and floats; a picture of 0 and 1 in any type
        values *= 255
    elif largest > 255:
        values *= 255 / 65535
    modes = {2: "L", (3, 2): "LA", (3, 3): "RGB", (3, 4): "RGBA"}
    mode = modes[2 if values.ndim == 2 else (3, values.shape[2])]
    return Image.fromarray(values.round().astype(np.uint8), mode=mode)


def _over_white(image, name):
    """An image as RGB, with what is transparent white (or black behind white ink)."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 bits and more
        return _from_array(np.asarray(image), name).convert("RGB")
    if image.mode not in ("RGBA", "LA", "PA", "P"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    for paper in ("white", "black"):
        over = Image.new("RGBA", image.size, paper)
        over.alpha_composite(image)
        over = over.convert("RGB")
        if any(low != high for low, high in over.getextrema()):
            break
    return over
