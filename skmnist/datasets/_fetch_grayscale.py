"""Loaders of grayscale images."""

from skmnist.datasets._engine import fetch
from skmnist.datasets._table import DATASETS, EMNIST_CLASSES


def fetch_mnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load the MNIST digits, and download them through torchvision if necessary.

    The files are those of `torchvision.datasets.MNIST(root=data_home)`, in the folder
    `MNIST/raw` of `data_home`; a gzipped file is read where the unpacked one is
    missing. Each call checks them against their known SHA-256 checksums, so a damaged
    file is an error and never gives wrong digits.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training digits, the 10,000 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (11 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes.
        feature_names : list of 784 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 28, 28).
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

    Examples
    --------
    >>> from skmnist.datasets import fetch_mnist
    >>> X, y = fetch_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    return fetch(
        DATASETS["mnist"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_fashion_mnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load Fashion-MNIST, and download it through torchvision if necessary.

    The images show articles of clothing in ten classes, in the format of MNIST [1]_.

    The files are those of `torchvision.datasets.FashionMNIST(root=data_home)`, in the
    folder `FashionMNIST/raw` of `data_home`; a gzipped file is read where the unpacked
    one is missing, such as those of Debian's package `dataset-fashion-mnist`. Each call
    checks the unpacked content against its known SHA-256 checksum, so a damaged file is
    an error and never gives wrong images.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (31 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255.
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes: "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag" and "Ankle boot". `target_names[target]`
            are the names of the labels.
        feature_names : list of 784 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 28, 28).
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
    .. [1] H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
       Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017.

    Examples
    --------
    >>> from skmnist.datasets import fetch_fashion_mnist
    >>> test = fetch_fashion_mnist(subset="test")  # doctest: +SKIP
    >>> test.images.shape, test.target_names[test.target[:3]]  # doctest: +SKIP
    ((10000, 28, 28), array(['Ankle boot', 'Pullover', 'Trouser'], dtype='<U11'))
    """
    return fetch(
        DATASETS["fashion_mnist"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_kmnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load Kuzushiji-MNIST, and download it through torchvision if necessary.

    The images show ten hiragana in cursive writing, in the format of MNIST [1]_.

    The files are those that `torchvision.datasets.KMNIST(root=data_home)` downloads, in
    the folder `KMNIST/raw` of `data_home`. Each call checks these archives against the
    known MD5 checksums, so a damaged file is an error and never gives wrong images.
    Unpacked files, which have no known checksum, are not read.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (21 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes in the Hepburn romanisation: "o", "ki", "su", "tsu", "na", "ha",
            "ma", "ya", "re" and "wo". `target_names[target]` are the names of the
            labels.
        feature_names : list of 784 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 28, 28).
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
    .. [1] T. Clanuwat, M. Bober-Irizarry, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha,
       "Deep Learning for Classical Japanese Literature", arXiv:1812.01718, 2018.

    Examples
    --------
    >>> from skmnist.datasets import fetch_kmnist
    >>> X, y = fetch_kmnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    return fetch(
        DATASETS["kmnist"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_emnist(
    *,
    split="balanced",
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load EMNIST, and download it through torchvision if necessary.

    The images show handwritten digits and letters, made like those of MNIST [1]_. In
    the files they are transposed; here they are upright, as those of MNIST.

    The file is the archive that `torchvision.datasets.EMNIST(root=data_home)`
    downloads, `EMNIST/raw/gzip.zip` in `data_home`. It has all splits. Each call checks
    it against the known MD5 checksum, so a damaged file is an error and never gives
    wrong images. Unpacked files, which have no known checksum, are not read.

    Parameters
    ----------
    split : {"balanced", "byclass", "bymerge", "digits", "letters", "mnist"}, \
            default="balanced"
        Selection of images and classes:

        - "balanced": digits and letters, 47 equally frequent classes; capital and small
          letters that look alike are one class, named by the capital. 112,800 training
          and 18,800 test images.
        - "byclass": digits, capital and small letters, 62 classes. 697,932 and 116,323.
        - "bymerge": the same images in the 47 classes of "balanced".
        - "digits": 240,000 and 40,000, ten equally frequent classes.
        - "letters": 26 letters, capital and small ones together. 124,800 and 20,800.
        - "mnist": digits, 60,000 and 10,000, a selection in the size of MNIST.
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The training images, the test images, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (562 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, as in the files: from 0, in "letters" from 1 to 26.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (n_classes,)
            The classes, such as "7", "B" or "b"; the integers from 0 to 9 in "digits"
            and "mnist". `target_names[target]` are the names of the labels; therefore
            the first name in "letters" is "N/A", which no image has.
        feature_names : list of 784 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 28, 28).
        DESCR : str
            Description and source.

    Raises
    ------
    ValueError
        If `subset` or `split` is not one of the listed values.
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

    The whole archive is in memory while it is read.

    References
    ----------
    .. [1] G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST
       to handwritten letters", International Joint Conference on Neural Networks, 2017.

    Examples
    --------
    >>> from skmnist.datasets import fetch_emnist
    >>> X, y = fetch_emnist(split="letters", return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.min(), y.max()  # doctest: +SKIP
    ((124800, 784), 1, 26)
    """
    if split not in EMNIST_CLASSES:
        raise ValueError(f"Got split={split!r}, expected one of {[*EMNIST_CLASSES]}.")
    return fetch(
        DATASETS[f"emnist_{split}"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_qmnist(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load QMNIST, and download it through torchvision if necessary.

    QMNIST was made again from the same forms as MNIST, with 60,000 test digits instead
    of 10,000 [1]_. The first 10,000 of them correspond to the test digits of MNIST; the
    other 50,000, `data[10_000:]`, are not in MNIST.

    The files are those that `torchvision.datasets.QMNIST(root=data_home)` downloads, in
    the folder `QMNIST/raw` of `data_home`. Each call checks these archives against the
    known MD5 checksums, so a damaged file is an error and never gives wrong images.
    Unpacked files, which have no known checksum, are not read.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training digits, the 60,000 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (20 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 784), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 28, 28), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9.
        frame : DataFrame of shape (n, 785), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes.
        feature_names : list of 784 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 28, 28).
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
    .. [1] C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", Advances in Neural
       Information Processing Systems 32, 2019.

    Examples
    --------
    >>> from skmnist.datasets import fetch_qmnist
    >>> X, y = fetch_qmnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (60000, 784)
    """
    return fetch(
        DATASETS["qmnist"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def fetch_usps(
    *,
    data_home=None,
    subset="train",
    download_if_missing=True,
    return_X_y=False,
    as_frame=False,
):
    """Load the USPS digits, and download them through torchvision if necessary.

    The digits are from envelopes [1]_, and smaller than those of MNIST.

    The files are those of `torchvision.datasets.USPS(root=data_home)`, `usps.bz2` and
    `usps.t.bz2` in `data_home`. Each call checks these archives against the known MD5
    checksums, so a damaged file is an error and never gives wrong images. Unpacked
    files, which have no known checksum, are not read. The pixels are those of
    torchvision, which converts the numbers from -1 to 1 in the files to 0 to 255.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data. If None, the folder of scikit-learn: the environment
        variable `SCIKIT_LEARN_DATA`, or `~/scikit_learn_data`.
    subset : {"train", "test", "all"}, default="train"
        The 7,291 training digits, the 2,007 test digits, or both in this order.
    download_if_missing : bool, default=True
        Whether to download missing files (8 MB). If False, raise an error instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        A Bunch has the attributes:

        data : ndarray of shape (n, 256), uint8
            Pixels from 0 (background) to 255 (ink).
        images : ndarray of shape (n, 16, 16), uint8
            The same memory as square images.
        target : ndarray of shape (n,), int64
            Labels, from 0 to 9: the digit itself, which is one less than in the files.
        frame : DataFrame of shape (n, 257), or None without `as_frame`
            Data and target.
        target_names : ndarray of shape (10,)
            The classes.
        feature_names : list of 256 str
            Row and column of each pixel.
        image_shape : tuple of three int
            Channels, height and width: (1, 16, 16).
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
    .. [1] J. J. Hull, "A Database for Handwritten Text Recognition Research", IEEE
       Transactions on Pattern Analysis and Machine Intelligence 16 (5), 1994.

    Examples
    --------
    >>> from skmnist.datasets import fetch_usps
    >>> X, y = fetch_usps(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (2007, 256)
    """
    return fetch(
        DATASETS["usps"],
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )
