"""`ImageResizer`: pictures of any size to images of one shape."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skmnist._picture_files import (
    check_image_shape,
    from_array,
    get_array_shape,
    is_path,
    read_picture,
    to_pixels,
    to_rgb,
)
from skmnist.preprocessing._image_reading import get_name, to_list, unwrap_path


class ImageResizer(TransformerMixin, BaseEstimator):
    """Read pictures of any size and resize them to images of one shape.

    In front of a classifier, it makes a pipeline that takes the paths of pictures.
    Pictures are converted in the same way as by
    :func:`skmnist.datasets.load_image_folder`, so that a classifier trained on its
    images can predict other files.

    The transformer is stateless: `fit` only validates the parameter and may be omitted.

    Parameters
    ----------
    image_shape : tuple of three int
        Channels, height and width of the images: 1 channel for grey ones, 3 for RGB,
        and sides from 1 to 4096 pixels. Pictures of another size are resized without
        keeping the aspect ratio, by bilinear interpolation with antialiasing; JPEG
        files of at least twice the size are decoded at a lower resolution first.

    See Also
    --------
    skmnist.datasets.load_image_folder : Loads pictures to train on.
    DigitPreprocessor : Converts pictures of handwritten digits to those of MNIST.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.preprocessing import ImageResizer
    >>> picture = np.full((100, 80, 3), 250, dtype=np.uint8)
    >>> ImageResizer((3, 32, 32)).transform([picture]).shape
    (1, 3, 32, 32)
    """

    def __init__(self, image_shape):
        self.image_shape = image_shape

    def fit(self, X=None, y=None):
        """Validate the parameter.

        Parameters
        ----------
        X : object, default=None
            Ignored.
        y : object, default=None
            Ignored.

        Returns
        -------
        ImageResizer
            The transformer itself.

        Raises
        ------
        TypeError, ValueError
            If `image_shape` is invalid.
        """
        check_image_shape(self.image_shape)
        return self

    def transform(self, X):
        """Convert pictures to images of one shape.

        Parameters
        ----------
        X : sequence of pictures
            Each is a path, an open binary file, a `PIL.Image`, or an array of any size
            and of shape (height, width), (height, width, channels) or
            (channels, height, width), with grey, grey and alpha, RGB or RGBA channels,
            of type uint8; kinds may be mixed. Images that already have the shape are
            not changed.

        Returns
        -------
        ndarray of shape (n, height, width) or (n, 3, height, width), uint8
            Pixels from 0 to 255.

        Raises
        ------
        FileNotFoundError
            If a file does not exist.
        TypeError, ValueError
            If `image_shape` is invalid, if X is not a sequence of pictures, or if one
            of them cannot be read; the message says which.
        """
        check_image_shape(self.image_shape)
        pictures = to_list(X)
        shape = len(pictures), *get_array_shape(self.image_shape)
        images = np.empty(shape, dtype=np.uint8)
        for number, picture in enumerate(pictures):
            images[number] = self._resize(picture, get_name(picture, number))
        return images

    def explain(self, picture):
        """Return a picture and what it is converted to.

        Parameters
        ----------
        picture : path, file, PIL.Image or array
            A single picture, as in `transform`.

        Returns
        -------
        dict of str to ndarray of uint8
            `picture` of shape (new_height, new_width, 3), which is smaller than a large
            JPEG file, and `result` of shape (height, width) or (height, width, 3).

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            As in `transform`.
        """
        check_image_shape(self.image_shape)
        name = get_name(picture, None)
        image = self._open(picture, name)
        result = to_pixels(image, name, self.image_shape)
        if result.ndim == 3:
            result = np.moveaxis(result, 0, 2)
        return {"picture": np.asarray(to_rgb(image, name)), "result": result}

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    def _resize(self, picture, name):
        """Convert one picture; `name` is for error messages."""
        if isinstance(picture, np.ndarray) and picture.dtype == np.uint8:
            shape = get_array_shape(self.image_shape)
            if picture.shape in (shape, tuple(self.image_shape)):
                return picture.reshape(shape)
        return to_pixels(self._open(picture, name), name, self.image_shape)

    def _open(self, picture, name):
        """Convert one picture to a `PIL.Image` of at least the size of the images."""
        picture = unwrap_path(picture)
        if is_path(picture) or hasattr(picture, "read"):
            return read_picture(picture, name, side=2 * max(self.image_shape[1:]))[0]
        if hasattr(picture, "convert"):
            from PIL import ImageOps

            return ImageOps.exif_transpose(picture)
        return from_array(picture, name, rescale=False)
