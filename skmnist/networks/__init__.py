"""Networks of images: torch and nothing else."""

from skmnist.networks._cnn import CNN
from skmnist.networks._image_network import uncompiled as uncompiled
from skmnist.networks._pair_cnn import PairCNN
from skmnist.networks._resnet import ResNet

__all__ = ["CNN", "PairCNN", "ResNet"]
