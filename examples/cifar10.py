"""Train a residual network on CIFAR-10 and print its accuracy on the test images.

    python examples/cifar10.py

The data set is downloaded first (170 MB) if it is not in scikit-learn's data folder.
"""

from skmnist import ResNetClassifier, save
from skmnist.datasets import fetch_cifar10

train, test = fetch_cifar10(subset="train"), fetch_cifar10(subset="test")
clf = ResNetClassifier(random_state=0, verbose=1).fit(train.images, train.target)
print(f"accuracy {clf.score(test.images, test.target):.4f}")
save(clf, "cifar10.safetensors")
