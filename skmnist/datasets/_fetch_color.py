"""Loaders of colour images."""

from skmnist.datasets._engine import fetch
from skmnist.datasets._table import DATASETS


def fetch_svhn(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load the Street View House Numbers, and download them through torchvision.

    The images show digits of house numbers in colour; the digit in the centre counts
    [1]_. The extra training set of 531,131 simpler digits is not part of it.

    The files are those of `torchvision.datasets.SVHN(root=data_home)`,
    `train_32x32.mat` and `test_32x32.mat` in `data_home`. Each call checks them against
    the known MD5 checksums, so a damaged file is an error and never gives wrong images.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 73,257 training digits, the 26,032 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (246 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch. The rows do not say that
        they are colour images: a classifier needs `image_shape=(3, 32, 32)` for them.
        It recognises the shape of `images` of the Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 3072), uint8
            Pixels from 0 to 255: 1,024 of red row by row, then green, then blue.
        images : ndarray of shape (n, 3, 32, 32), uint8
            The same memory as images in PyTorch's layout.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9: the digit itself. In the files, 10 is the label of the
            0.
        frame : DataFrame of shape (n, 3073), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes.
        feature_names : list of 3072 str
            Channel, row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (3, 32, 32).
        DESCR : str
            Description and source.

    Raises
    ------
    ValueError
        If `subset` is not one of the three values.
    ImportError
        If `as_frame` is True and pandas is not installed.
    OSError
        If the files are missing and cannot, or must not, be downloaded, or if a file
        does not have its checksum.

    Notes
    -----
    A download fails when the server sends nothing for 15 seconds. Since all addresses
    of all servers are tried, a network that drops every packet can take a few minutes
    to fail. During the download this timeout is the default for new sockets in all
    threads of the process (`socket.setdefaulttimeout`).

    References
    ----------
    .. [1] Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, "Reading Digits
       in Natural Images with Unsupervised Feature Learning", NIPS Workshop on Deep
       Learning and Unsupervised Feature Learning, 2011.

    Examples
    --------
    >>> from skmnist.datasets import fetch_svhn
    >>> test = fetch_svhn(subset="test")  # doctest: +SKIP
    >>> test.images.shape  # doctest: +SKIP
    (26032, 3, 32, 32)
    """
    return fetch(
        DATASETS["svhn"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_cifar10(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load CIFAR-10, and download it through torchvision if necessary.

    The images show animals and vehicles in colour, in ten classes [1]_.

    The files are those of `torchvision.datasets.CIFAR10(root=data_home)`, in the folder
    `cifar-10-batches-py` of `data_home`. Each call checks them against the known MD5
    checksums, so a damaged file is an error and never gives wrong images. They are
    pickles; only arrays are unpickled, and nothing that could run other code.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 50,000 training images, the 10,000 test images, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (170 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch. The rows do not say that
        they are colour images: a classifier needs `image_shape=(3, 32, 32)` for them.
        It recognises the shape of `images` of the Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 3072), uint8
            Pixels from 0 to 255: 1,024 of red row by row, then green, then blue.
        images : ndarray of shape (n, 3, 32, 32), uint8
            The same memory as images in PyTorch's layout.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 3073), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes: "airplane", "automobile", "bird", "cat", "deer", "dog", "frog",
            "horse", "ship" and "truck". `target_names[target]` are the names of the
            labels.
        feature_names : list of 3072 str
            Channel, row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (3, 32, 32).
        DESCR : str
            Description and source.

    Raises
    ------
    ValueError
        If `subset` is not one of the three values.
    ImportError
        If `as_frame` is True and pandas is not installed.
    OSError
        If the files are missing and cannot, or must not, be downloaded, or if a file
        does not have its checksum.

    Notes
    -----
    A download fails when the server sends nothing for 15 seconds. Since all addresses
    of all servers are tried, a network that drops every packet can take a few minutes
    to fail. During the download this timeout is the default for new sockets in all
    threads of the process (`socket.setdefaulttimeout`).

    References
    ----------
    .. [1] A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
       technical report, University of Toronto, 2009.

    Examples
    --------
    >>> from skmnist.datasets import fetch_cifar10
    >>> test = fetch_cifar10(subset="test")  # doctest: +SKIP
    >>> test.images.shape, test.target_names[test.target[:3]]  # doctest: +SKIP
    ((10000, 3, 32, 32), array(['cat', 'ship', 'ship'], dtype='<U10'))
    """
    return fetch(
        DATASETS["cifar10"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_cifar100(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load CIFAR-100, and download it through torchvision if necessary.

    The images show a hundred kinds of things in colour [1]_.

    The files are those of `torchvision.datasets.CIFAR100(root=data_home)`, in the
    folder `cifar-100-python` of `data_home`. Each call checks them against the known
    MD5 checksums, so a damaged file is an error and never gives wrong images. They are
    pickles; only arrays are unpickled, and nothing that could run other code.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 50,000 training images, the 10,000 test images, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (169 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch. The rows do not say that
        they are colour images: a classifier needs `image_shape=(3, 32, 32)` for them.
        It recognises the shape of `images` of the Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 3072), uint8
            Pixels from 0 to 255: 1,024 of red row by row, then green, then blue.
        images : ndarray of shape (n, 3, 32, 32), uint8
            The same memory as images in PyTorch's layout.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 99: the "fine" ones of the source.
        frame : DataFrame of shape (n, 3073), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (100,)
            The classes in alphabetical order, from "apple" to "worm".
            `target_names[target]` are the names of the labels.
        feature_names : list of 3072 str
            Channel, row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (3, 32, 32).
        DESCR : str
            Description and source.

    Raises
    ------
    ValueError
        If `subset` is not one of the three values.
    ImportError
        If `as_frame` is True and pandas is not installed.
    OSError
        If the files are missing and cannot, or must not, be downloaded, or if a file
        does not have its checksum.

    Notes
    -----
    A download fails when the server sends nothing for 15 seconds. Since all addresses
    of all servers are tried, a network that drops every packet can take a few minutes
    to fail. During the download this timeout is the default for new sockets in all
    threads of the process (`socket.setdefaulttimeout`).

    References
    ----------
    .. [1] A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
       technical report, University of Toronto, 2009.

    Examples
    --------
    >>> from skmnist.datasets import fetch_cifar100
    >>> test = fetch_cifar100(subset="test")  # doctest: +SKIP
    >>> test.images.shape, test.target_names[:2]  # doctest: +SKIP
    ((10000, 3, 32, 32), array(['apple', 'aquarium_fish'], dtype='<U13'))
    """
    return fetch(
        DATASETS["cifar100"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )
