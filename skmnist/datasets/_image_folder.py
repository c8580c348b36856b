"""Load a folder of pictures that has a folder for each class."""

import os
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from skmnist._picture_files import (
    check_image_shape,
    get_array_shape,
    read_header,
    read_pixels,
)
from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._lazy_images import LazyImages
from skmnist.datasets._picture_dataset import PictureFiles

SYSTEM_FILES = {"desktop.ini", "thumbs.db", "__macosx"}
"""Names, in lower case, of what operating systems leave in folders of pictures.

Names that begin with a dot are ignored as well.
"""

ON_ERROR = ("warn", "raise")

N_NAMED = 10
"""Number of unreadable files that a warning names."""


class FolderIndex(NamedTuple):
    """What a folder contains, according to the headers of its files.

    Attributes
    ----------
    folder : str
    filenames : list of str
        Paths of the pictures, sorted by class and name.
    target : ndarray of shape (n,), int64
        Positions of the classes of the pictures in `class_names`.
    class_names : list of str
    shapes : list of tuple (channels, height, width)
        Shapes of the pictures.
    errors : dict of str to Exception
        Error of each file that cannot be read, by its path.
    """

    folder: str
    filenames: list
    target: np.ndarray
    class_names: list
    shapes: list
    errors: dict

    @property
    def n_channels(self):
        """1 if all pictures are grey, otherwise 3."""
        return max(shape[0] for shape in self.shapes)

    def get_common_shape(self, remedy):
        """Get the shape of images that are not resized.

        Parameters
        ----------
        remedy : str
            What to do about different sizes, for the error message.

        Returns
        -------
        tuple (channels, height, width)

        Raises
        ------
        ValueError
            If the pictures have several sizes.
        """
        sizes = [shape[1:] for shape in self.shapes]
        for path, size in zip(self.filenames, sizes, strict=True):
            if size != sizes[0]:
                (height, width), (other_height, other_width) = sizes[0], size
                raise ValueError(
                    f"Got pictures of several sizes: {self.filenames[0]} has "
                    f"{width}x{height} pixels (width x height), {path} has "
                    f"{other_width}x{other_height}. {remedy}"
                )
        return (self.n_channels, *sizes[0])


def load_image_folder(
    folder, *, image_shape=None, lazy=False, on_error="warn", return_X_y=False
):
    """Load a folder of pictures with a folder for each class.

    The names of the folders are those of the classes::

        photos/cat/1.jpg
        photos/cat/2.png
        photos/dog/x.jpg

    The pictures may be of any format in AVIF, BMP, GIF (the first frame), JPEG, PNG,
    PPM, TIFF and WebP, which is recognised by the content. They are turned as the
    orientation recorded by the camera says, transparent parts become white, or black
    in a picture that would be blank then, and 16 bits become 8.

    Names that begin with a dot, `Thumbs.db`, `desktop.ini` and `__MACOSX` are ignored,
    and so are files beside the folders of the classes. Links are followed.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    image_shape : tuple of three int, default=None
        Channels, height and width of the images: 1 channel for grey ones, 3 for RGB.
        Pictures of another size are resized to it, without keeping the aspect ratio,
        by bilinear interpolation with antialiasing, like `torchvision`'s
        `Resize((height, width))`; JPEG files of at least twice the size are decoded at
        a lower resolution first. None keeps the size, which must be the same for all
        pictures; they are grey if all files are stored without colours, otherwise RGB.
    lazy : bool, default=False
        Whether to read the pictures when they are needed instead of now. Only the
        headers of the files are read then.
    on_error : {"warn", "raise"}, default="warn"
        "warn": skip files that cannot be read, and name them in one warning. "raise":
        raise the error of the first one. With `lazy=True`, damage behind the header of
        a file is found, and raised as an error, when the picture is read.
    return_X_y : bool, default=False
        Whether to return `(images, target)` instead of a Bunch.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (images, target)
        A Bunch has the attributes:

        images : ndarray of shape (n, height, width) or (n, 3, height, width), uint8
            Pixels from 0 to 255. With `lazy=True`, `LazyImages` of the same shape,
            with `target` as its `labels`.
        data : ndarray of shape (n, channels * height * width), uint8
            The same pixels as rows. Not with `lazy=True`.
        target : ndarray of shape (n,), int64
            Position of the class in `target_names`.
        target_names : ndarray of str
            Names of the classes, sorted; `target_names[target]` are the labels.
        filenames : ndarray of shape (n,) of str
            Paths of the files, sorted by class and name.
        feature_names : list of str
            Names of the columns of `data`. Not with `lazy=True`.
        frame : None
            Always None. Not with `lazy=True`.
        image_shape : tuple of three int
            Channels, height and width of the images.
        DESCR : str
            Description of the data.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If `folder` has no folders of classes, one of them has no readable pictures or
        has folders inside, or the pictures have several sizes and `image_shape` is
        None; or if a parameter is invalid.
    TypeError
        If `image_shape` is not a tuple of integers.
    OSError, ValueError
        With `on_error="raise"`, if a file cannot be read.

    Warns
    -----
    UserWarning
        With `on_error="warn"`, if files are skipped.

    See Also
    --------
    skmnist.preprocessing.ImageResizer : Converts other pictures in the same way.
    dataset_to_arrays : Converts `torchvision.datasets.ImageFolder` and others.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from skmnist.datasets import load_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, color in [("dark", "navy"), ("light", "ivory")]:
    ...         Path(folder, name).mkdir()
    ...         Image.new("RGB", (40, 30), color).save(Path(folder, name, "1.png"))
    ...     pictures = load_image_folder(folder, image_shape=(3, 24, 32))
    >>> pictures.images.shape
    (2, 3, 24, 32)
    >>> pictures.target_names[pictures.target].tolist()
    ['dark', 'light']
    """
    if on_error not in ON_ERROR:
        raise ValueError(f"Got on_error={on_error!r}, expected one of {[*ON_ERROR]}.")
    if image_shape is not None:
        check_image_shape(image_shape)
    index = index_folder(folder, on_error)
    if image_shape is None:
        image_shape = index.get_common_shape(
            "Pass the shape to which all are resized, such as image_shape=(3, 32, 32)."
        )
    image_shape = tuple(int(side) for side in image_shape)
    load = make_lazy_bunch if lazy else read_bunch
    bunch = load(index, image_shape, on_error)
    return (bunch.images, bunch.target) if return_X_y else bunch


def index_folder(folder, on_error):
    """List the pictures in a folder and read their headers.

    Parameters
    ----------
    folder : str or path-like
    on_error : {"warn", "raise"}
        As in `load_image_folder`; no warning is issued here.

    Returns
    -------
    FolderIndex

    Raises
    ------
    OSError, ValueError
        As in `load_image_folder`.
    """
    folder = os.fspath(folder)
    class_names = _list_classes(folder)
    filenames, target, shapes, errors = [], [], [], {}
    for code, name in enumerate(class_names):
        for path in _list_files(folder, name):
            try:
                shape = read_header(path, path)
            except (OSError, ValueError) as error:
                if on_error == "raise":
                    raise
                errors[path] = error
            else:
                filenames.append(path)
                target.append(code)
                shapes.append(shape)
    target = np.array(target, dtype=np.int64)
    index = FolderIndex(folder, filenames, target, class_names, shapes, errors)
    _check_classes(index)
    return index


def read_bunch(index, image_shape, on_error):
    """Read all pictures; the parameters are those of `load_image_folder`."""
    shape = len(index.filenames), *get_array_shape(image_shape)
    images = np.empty(shape, dtype=np.uint8)
    errors, read = dict(index.errors), []
    for position, path in enumerate(index.filenames):
        try:
            images[len(read)] = read_pixels(path, path, image_shape)
        except (OSError, ValueError) as error:
            if on_error == "raise":
                raise
            errors[path] = error
        else:
            read.append(position)
    index = index._replace(
        filenames=[index.filenames[position] for position in read],
        target=index.target[read],
        errors=errors,
    )
    _check_classes(index)
    _warn_of_errors(index)
    bunch = make_bunch(
        images[: len(read)],
        index.target,
        _describe(index, image_shape),
        target_names=np.array(index.class_names),
        return_X_y=False,
        as_frame=False,
    )
    bunch.filenames = np.array(index.filenames)
    return bunch


def make_lazy_bunch(index, image_shape, on_error):
    """Read no pictures; the parameters are those of `load_image_folder`."""
    _warn_of_errors(index)
    source = PictureFiles(index.filenames, image_shape)
    return Bunch(
        images=LazyImages(source, labels=index.target),
        target=index.target,
        target_names=np.array(index.class_names),
        filenames=np.array(index.filenames),
        image_shape=image_shape,
        DESCR=_describe(index, image_shape),
    )


def _list_classes(folder):
    """Names of the folders of the classes, sorted."""
    if not os.path.exists(folder):
        raise FileNotFoundError(f"Got {folder}, but there is no such folder.")
    if not os.path.isdir(folder):
        raise NotADirectoryError(
            f"Got {folder}, which is a file; expected a folder that has a folder of "
            "pictures for each class."
        )
    names = [name for name in _list_names(folder) if _is_folder(folder, name)]
    if not names:
        raise ValueError(
            f"Got {folder}, which has no folders; expected one for each class, with "
            f"its pictures, such as {os.path.join(folder, 'cat', '1.jpg')}."
        )
    return names


def _list_files(folder, name):
    """Paths of the files of a class, sorted."""
    path = os.path.join(folder, name)
    names = _list_names(path)
    inner = [entry for entry in names if _is_folder(path, entry)]
    if inner:
        raise ValueError(
            f"Got {folder}, whose folder {name} has folders inside ({inner[0]}); "
            f"expected only pictures. Pass {path} if its folders are the classes, or "
            "move the pictures out of them."
        )
    return [os.path.join(path, file) for file in names]


def _list_names(folder):
    """Names in a folder that are not hidden, sorted."""
    return sorted(
        name
        for name in os.listdir(folder)
        if not name.startswith(".") and name.lower() not in SYSTEM_FILES
    )


def _is_folder(folder, name):
    """Whether it is a folder, or a link to one; links that are broken are not."""
    return os.path.isdir(os.path.join(folder, name))


def _check_classes(index):
    """Raise ValueError if there is a class without pictures."""
    counts = np.bincount(index.target, minlength=len(index.class_names))
    if counts.all():
        return
    path = os.path.join(index.folder, index.class_names[counts.argmin()])
    reasons = [
        str(error)
        for file, error in index.errors.items()
        if os.path.dirname(file) == path
    ]
    raise ValueError(
        f"Got {index.folder}, whose folder {path} has no pictures that can be read. "
        "Put some there, or remove the folder."
        + (f" The first of {len(reasons)} errors: {reasons[0]}" if reasons else "")
    )


def _warn_of_errors(index):
    """Warn of the files that are skipped."""
    if not index.errors:
        return
    reasons = [str(error) for error in index.errors.values()][:N_NAMED]
    if len(reasons) < len(index.errors):
        reasons.append(f"... and {len(index.errors) - len(reasons):,} others.")
    warnings.warn(
        f"{len(index.errors):,} files in {index.folder} are skipped, because they "
        "cannot be read as pictures:\n" + "\n".join(reasons),
        UserWarning,
        stacklevel=4,
    )


def _describe(index, image_shape):
    channels, height, width = image_shape
    return (
        f"{len(index.filenames):,} pictures of {len(index.class_names)} classes from "
        f"{index.folder}, as {'grey' if channels == 1 else 'RGB'} images of "
        f"{width}x{height} pixels (width x height), from 0 to 255."
    )
