"""The package of the extra `images`, without which pictures cannot be read."""


def check_scikit_image(caller, alternative=""):
    """Raise ImportError if scikit-image is not installed.

    Parameters
    ----------
    caller : str
        What needs it, at the beginning of the message.
    alternative : str, default=""
        What to do instead, such as ", or pass this".
    """
    try:
        import skimage  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs the package scikit-image. Install it "
            f"(python -m pip install scikit-image){alternative}."
        ) from error
