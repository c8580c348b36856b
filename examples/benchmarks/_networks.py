"""The network of the article, written without skmnist."""

import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = 0.1307, 0.3081
"""Mean and standard deviation of the training pixels in [0, 1], from the article."""


class ArticleNetwork(nn.Module):
    """From standardised pixels (n, 1, 28, 28) to log-probabilities (n, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(800, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, X):
        X = F.max_pool2d(F.relu(self.conv1(X)), 2)
        X = F.max_pool2d(F.relu(self.conv2(X)), 2)
        return F.log_softmax(self.fc2(F.relu(self.fc1(X.flatten(1)))), dim=1)


class ProbabilityNetwork(ArticleNetwork):
    """The same network with probabilities, as skorch's NeuralNetClassifier expects."""

    def forward(self, X):
        return super().forward(X).exp()


class FastNetwork(ArticleNetwork):
    """The same network as fast as possible: raw pixels, channels last in memory."""

    def __init__(self, mean=MEAN, std=STD):
        super().__init__()
        self.mean, self.std = 255 * mean, 255 * std
        self.to(memory_format=torch.channels_last)

    def forward(self, X):
        X = X.to(self.conv1.weight.dtype).contiguous(memory_format=torch.channels_last)
        X = (X - self.mean) / self.std
        X = F.relu(F.max_pool2d(self.conv1(X), 2))
        X = F.relu(F.max_pool2d(self.conv2(X), 2))
        X = self.fc2(F.relu(self.fc1(X.flatten(1))))
        return F.log_softmax(X, dim=1, dtype=torch.float32)
