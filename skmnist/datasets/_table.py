"""The table of the data sets that `fetch_*` loads."""

import bz2
import gzip
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from skmnist.datasets._formats import (
    read_cifar,
    read_emnist,
    read_idx,
    read_svhn,
    read_usps,
)


@dataclass(frozen=True)
class Part:
    """Files that hold images and their labels.

    Parameters
    ----------
    read : callable
        `read(*contents)` makes images and labels from the contents of the files.
    files : dict of str to str
        Checksum of each file by its path in `data_home`, which is the one in the `root`
        of torchvision's class.
    """

    read: Callable
    files: dict


@dataclass(frozen=True)
class ImageDataset:
    """One data set.

    Parameters
    ----------
    name : str
    train, test : list of Part
        The two subsets.
    target_names : list
        Name of each class.
    download : callable
        `download(root)` downloads the files through torchvision.
    source : str
        Where the files come from, as a continuation of "these files, ".
    description : str
        Content, licence and source.
    reads_archives : bool, default=False
        Whether the files are archives that are not unpacked.
    unread_files : dict of str to str
        Files that are downloaded because torchvision needs them.
    alternative : str, default=""
        What to use without a download.
    """

    name: str
    train: list
    test: list
    target_names: list
    download: Callable
    source: str
    description: str
    reads_archives: bool = False
    unread_files: dict = field(default_factory=dict)
    alternative: str = ""

    @property
    def parts(self):
        """The parts of each subset."""
        return {"train": self.train, "test": self.test}

    @property
    def files(self):
        """Checksum of each file by its path, of all parts."""
        files = {}
        for part in (*self.train, *self.test):
            files |= part.files
        return files


# Downloads ----------------------------------------------------------------------------


def _download(root, name, **options):
    """Download through a class of torchvision."""
    from torchvision import datasets

    getattr(datasets, name)(root, download=True, **options)


def _download_both(root, name):
    """Download through a class that downloads only the subset it is asked for."""
    for train in (True, False):
        _download(root, name, train=train)


def _download_svhn(root):
    for split in ("train", "test"):
        _download(root, "SVHN", split=split)


def _download_emnist(root):
    """Download the archive, without the 2 GB that torchvision would unpack from it."""
    from torchvision.datasets import EMNIST
    from torchvision.datasets.utils import download_url

    download_url(EMNIST.url, Path(root, "EMNIST", "raw"), md5=EMNIST.md5)


# Subsets ------------------------------------------------------------------------------


def _idx(folder, images, labels, *, read=read_idx):
    """Make the part of two files; images and labels are pairs (name, checksum)."""
    pairs = (images, labels)
    return [Part(read, {f"{folder}/{name}": checksum for name, checksum in pairs})]


def _read_gzipped_idx(images, labels):
    return read_idx(gzip.decompress(images), gzip.decompress(labels))


def _read_bzipped_usps(text):
    return read_usps(bz2.decompress(text))


def _cifar(folder, labels, *batches):
    """Make a part for each batch, a pair (name, checksum)."""
    return [
        Part(partial(read_cifar, labels=labels), {f"{folder}/{name}": checksum})
        for name, checksum in batches
    ]


# Handwritten digits -------------------------------------------------------------------

DIGITS = list(range(10))

MNIST = ImageDataset(
    name="MNIST",
    train=_idx(
        "MNIST/raw",
        (
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    test=_idx(
        "MNIST/raw",
        (
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    target_names=DIGITS,
    download=partial(_download, name="MNIST"),
    source="from https://ossci-datasets.s3.amazonaws.com/mnist/",
    alternative=(
        "skmnist.datasets.load_mnist_sample(), 5,000 digits that need no download"
    ),
    description="""\
The MNIST database of handwritten digits: 60,000 training and 10,000 test images.

Each image has 28x28 pixels, from 0 (background) to 255 (ink). The digits were scaled to
fit into 20x20 pixels and centred by their centre of mass.

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database of handwritten digits;
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE 86 (11), 1998.
""",
)

QMNIST = ImageDataset(
    name="QMNIST",
    train=_idx(
        "QMNIST/raw",
        ("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
        ("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        read=_read_gzipped_idx,
    ),
    test=_idx(
        "QMNIST/raw",
        ("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
        ("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        read=_read_gzipped_idx,
    ),
    reads_archives=True,
    target_names=DIGITS,
    download=partial(_download_both, name="QMNIST"),
    source="from https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    description="""\
QMNIST: MNIST made again from NIST's forms, 60,000 training and 60,000 test images.

The training images, and the first 10,000 test images, correspond one to one to those of
MNIST, up to small differences of the preprocessing. The other 50,000 test images were
lost when MNIST was published. Each has 28x28 pixels, from 0 (background) to 255 (ink).

Licence: BSD 3-Clause.

Source: C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", Advances in Neural
Information Processing Systems 32, 2019.
""",
)

USPS = ImageDataset(
    name="USPS",
    train=[Part(_read_bzipped_usps, {"usps.bz2": "ec16c51db3855ca6c91edd34d0e9b197"})],
    test=[Part(_read_bzipped_usps, {"usps.t.bz2": "8ea070ee2aca1ac39742fdd1ef5ed118"})],
    reads_archives=True,
    target_names=DIGITS,
    download=partial(_download_both, name="USPS"),
    source="from https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",
    description="""\
USPS: 7,291 training and 2,007 test images of digits on envelopes.

The US Postal Service scanned them. Each image has 16x16 pixels, from 0 (background) to
255 (ink), converted from the numbers from -1 to 1 in the collection of LIBSVM.

Source: J. J. Hull, "A Database for Handwritten Text Recognition Research", IEEE
Transactions on Pattern Analysis and Machine Intelligence 16 (5), 1994.
""",
)

# Other small grayscale images ---------------------------------------------------------

FASHION_MNIST = ImageDataset(
    name="Fashion-MNIST",
    train=_idx(
        "FashionMNIST/raw",
        (
            "train-images-idx3-ubyte",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        (
            "train-labels-idx1-ubyte",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
    ),
    test=_idx(
        "FashionMNIST/raw",
        (
            "t10k-images-idx3-ubyte",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        (
            "t10k-labels-idx1-ubyte",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    target_names=[
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ],
    download=partial(_download, name="FashionMNIST"),
    source="from http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    description="""\
Fashion-MNIST: 60,000 training and 10,000 test images of articles of clothing.

Each image has 28x28 pixels, from 0 (background) to 255. The ten classes are equally
frequent.

Licence: MIT.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017.
""",
)

KMNIST = ImageDataset(
    name="KMNIST",
    train=_idx(
        "KMNIST/raw",
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        read=_read_gzipped_idx,
    ),
    test=_idx(
        "KMNIST/raw",
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
        read=_read_gzipped_idx,
    ),
    reads_archives=True,
    target_names=["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    download=partial(_download, name="KMNIST"),
    source="from http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    description="""\
Kuzushiji-MNIST: 60,000 training and 10,000 test images of cursive Japanese characters.

They are ten hiragana from books of the 18th century, one for each row of the syllabary,
and equally frequent. Each image has 28x28 pixels, from 0 (background) to 255 (ink).

Licence: CC BY-SA 4.0.

Source: T. Clanuwat, M. Bober-Irizarry, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha, "Deep
Learning for Classical Japanese Literature", arXiv:1812.01718, 2018.
""",
)

_MERGED = [*string.digits, *string.ascii_uppercase, *"abdefghnqrt"]

EMNIST_CLASSES = {
    "balanced": _MERGED,
    "byclass": [*string.digits, *string.ascii_uppercase, *string.ascii_lowercase],
    "bymerge": _MERGED,
    "digits": DIGITS,
    "letters": ["N/A", *string.ascii_lowercase],  # its labels start at 1
    "mnist": DIGITS,
}
"""Names of the classes of each split of EMNIST."""


def _emnist(split):
    """Make the entry of a split of EMNIST."""
    archive = {"EMNIST/raw/gzip.zip": "58c8d27c78d21e728a6bc7b3cc06412e"}
    train, test = (
        [Part(partial(read_emnist, prefix=f"emnist-{split}-{subset}"), archive)]
        for subset in ("train", "test")
    )
    return ImageDataset(
        name="EMNIST",
        train=train,
        test=test,
        reads_archives=True,
        target_names=EMNIST_CLASSES[split],
        download=_download_emnist,
        source="from https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        description=f"""\
EMNIST, split "{split}": handwritten digits and letters of NIST Special Database 19.

Each image has 28x28 pixels, from 0 (background) to 255 (ink), made like those of MNIST
and upright here.

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to
handwritten letters", International Joint Conference on Neural Networks, 2017.
""",
    )


# Colour images ------------------------------------------------------------------------

SVHN = ImageDataset(
    name="SVHN",
    train=[Part(read_svhn, {"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373"})],
    test=[Part(read_svhn, {"test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3"})],
    target_names=DIGITS,
    download=_download_svhn,
    source="from http://ufldl.stanford.edu/housenumbers/",
    description="""\
Street View House Numbers: 73,257 training and 26,032 test images of digits.

Each image has 32x32 pixels in colour, from 0 to 255. The digit in the centre counts;
its neighbours in the house number are often visible.

Licence: non-commercial use only.

Source: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, "Reading Digits in
Natural Images with Unsupervised Feature Learning", NIPS Workshop on Deep Learning and
Unsupervised Feature Learning, 2011.
""",
)

CIFAR10 = ImageDataset(
    name="CIFAR-10",
    train=_cifar(
        "cifar-10-batches-py",
        b"labels",
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ),
    test=_cifar(
        "cifar-10-batches-py",
        b"labels",
        ("test_batch", "40351d587109b95175f43aff81a1287e"),
    ),
    unread_files={
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888"
    },
    target_names=[
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ],
    download=partial(_download, name="CIFAR10"),
    source="unpacked from https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    description="""\
CIFAR-10: 50,000 training and 10,000 test images of animals and vehicles.

Each image has 32x32 pixels in colour, from 0 to 255. The ten classes are equally
frequent.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
technical report, University of Toronto, 2009.
""",
)

_CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach
couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket
rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip
turtle wardrobe whale willow_tree wolf woman worm
"""

CIFAR100 = ImageDataset(
    name="CIFAR-100",
    train=_cifar(
        "cifar-100-python",
        b"fine_labels",
        ("train", "16019d7e3df5f24257cddd939b257f8d"),
    ),
    test=_cifar(
        "cifar-100-python", b"fine_labels", ("test", "f0ef6b0ae62326f3e7ffdfab6717acfc")
    ),
    unread_files={"cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48"},
    target_names=_CIFAR100_CLASSES.split(),
    download=partial(_download, name="CIFAR100"),
    source="unpacked from https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    description="""\
CIFAR-100: 50,000 training and 10,000 test images of a hundred kinds of things.

Each image has 32x32 pixels in colour, from 0 to 255. The hundred classes are equally
frequent; the twenty superclasses of the source are not part of this Bunch.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
technical report, University of Toronto, 2009.
""",
)

DATASETS = {
    "mnist": MNIST,
    "fashion_mnist": FASHION_MNIST,
    "kmnist": KMNIST,
    **{f"emnist_{split}": _emnist(split) for split in EMNIST_CLASSES},
    "qmnist": QMNIST,
    "usps": USPS,
    "svhn": SVHN,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
}
"""All data sets, by the name in their `fetch_*`; EMNIST by split."""
