"""Optimizers that torch does not have."""

import math

import torch
from torch.optim import Optimizer
from torch.optim.adamw import adamw

__all__ = ["MuonAdamW"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial of a Newton-Schulz step, from [1] in `MuonAdamW`."""

LARGEST_BLOCK = 64
"""Rows that are orthogonalized together: the work grows with their number."""

PRECISIONS = ("float32", "bfloat16")


class MuonAdamW(Optimizer):
    """Muon for the kernels and matrices of a network, and AdamW for all else.

    Muon orthogonalizes the momentum of a matrix, so that each update changes all its
    directions by the same amount [1]_. A convolution kernel counts as a matrix with a
    row for each output channel. Vectors (biases) and the output layer, which is the
    last matrix among the parameters, are updated by AdamW [2]_, as [1]_ recommends.

    Updates of a matrix have a root mean square of up to `lr`, as those of AdamW do at
    first, so that one learning rate serves both. `torch.optim.Muon` takes matrices
    only; with `adjust_lr_fn="match_rms_adamw"` [3]_, its updates are a fifth as large.

    Parameters
    ----------
    params : iterable of tensor, (name, tensor) or dict
        Parameters of the network in the order of its layers, or groups of them.
    lr : float, default=0.004
        Learning rate, at least 0.
    momentum : float, default=0.6
        Momentum of Muon (Nesterov's), in [0, 1).
    ns_steps : int, default=5
        Number of Newton-Schulz steps that orthogonalize a matrix, at least 1.
    betas : tuple of two float, default=(0.9, 0.999)
        Decay rates of the moments of AdamW, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator of AdamW, at least 0.
    weight_decay : float, default=0.01
        Fraction of a weight, times the learning rate, that each step subtracts from it,
        at least 0.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the Newton-Schulz steps: at least float32, or bfloat16, which is
        faster where the processor multiplies in it. `ImageClassifier` passes the
        precision of its training.
    fused : bool or None, default=None
        Passed to AdamW of torch.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Matrices with more than 64 rows are orthogonalized in blocks of at most 64 rows,
    each of which then has orthogonal rows. This costs a fraction of the time, and the
    network learns as well.

    References
    ----------
    .. [1] K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks",
       2024, https://kellerjordan.github.io/posts/muon.
    .. [2] I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019,
       arXiv:1711.05101.
    .. [3] J. Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv:2502.16982.

    Examples
    --------
    >>> import torch
    >>> from skmnist.networks import CNN
    >>> from skmnist.optimizers import MuonAdamW
    >>> network = CNN()
    >>> optimizer = MuonAdamW(network.parameters(), lr=0.004)
    >>> network(torch.rand(2, 1, 28, 28)).sum().backward()
    >>> optimizer.step()
    """

    def __init__(
        self,
        params,
        lr=0.004,
        *,
        momentum=0.6,
        ns_steps=5,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.01,
        precision="float32",
        fused=None,
    ):
        beta1, beta2 = betas
        for name, value, is_good, expected in (
            ("lr", lr, lr >= 0, "at least 0"),
            ("momentum", momentum, 0 <= momentum < 1, "a number in [0, 1)"),
            ("ns_steps", ns_steps, ns_steps >= 1, "at least 1"),
            ("betas", betas, 0 <= beta1 < 1 and 0 <= beta2 < 1, "numbers in [0, 1)"),
            ("eps", eps, eps >= 0, "at least 0"),
            ("weight_decay", weight_decay, weight_decay >= 0, "at least 0"),
            ("precision", precision, precision in PRECISIONS, f"one of {PRECISIONS}"),
        ):
            if not is_good:
                raise ValueError(f"Got {name}={value!r}, expected {expected}.")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "ns_steps": ns_steps,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "precision": precision,
            "fused": fused,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """Update the parameters once.

        Parameters
        ----------
        closure : callable, default=None
            Computes the loss and the gradients, and returns the loss.

        Returns
        -------
        tensor or None
            What `closure` returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        matrices = [
            weight
            for group in self.param_groups
            for weight in group["params"]
            if weight.ndim > 1
        ]
        hidden = {id(weight) for weight in matrices[:-1]}
        for group in self.param_groups:
            rest = []
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if id(weight) in hidden:
                    self._update_by_muon(weight, group)
                else:
                    rest.append(weight)
            if rest:
                self._update_by_adamw(rest, group)
        return loss

    def _update_by_muon(self, weight, group):
        state, momentum = self.state[weight], group["momentum"]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        average = state["momentum_buffer"]
        average.mul_(momentum).add_(weight.grad)
        update = weight.grad.add(average, alpha=momentum)  # Nesterov's momentum
        bfloat16 = group["precision"] == "bfloat16"
        dtype = torch.bfloat16 if bfloat16 else weight.dtype
        update = orthogonalize(update.flatten(1), group["ns_steps"], dtype)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(update.reshape(weight.shape), alpha=-group["lr"])

    def _update_by_adamw(self, weights, group):
        states = [self.state[weight] for weight in weights]
        for weight, state in zip(weights, states, strict=True):
            if not state:
                state["step"] = torch.zeros((), device=weight.device)
                state["exp_avg"] = torch.zeros_like(weight)
                state["exp_avg_sq"] = torch.zeros_like(weight)
        beta1, beta2 = group["betas"]
        adamw(
            weights,
            [weight.grad for weight in weights],
            *([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")),
            [],
            [state["step"] for state in states],
            fused=group["fused"],
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def orthogonalize(matrix, n_steps, dtype):
    """Orthogonalize the rows of a matrix approximately, by Newton-Schulz steps.

    The rows of a block of at most `LARGEST_BLOCK` rows become orthogonal; a matrix with
    more rows than columns is transposed first.

    Parameters
    ----------
    matrix : tensor of shape (n_rows, n_columns)
    n_steps : int
    dtype : torch.dtype
        Of the computations.

    Returns
    -------
    tensor of shape (n_rows, n_columns)
        With a root mean square of about 1, and the dtype of `matrix`.
    """
    n_rows, n_columns = matrix.shape
    if n_rows > n_columns:
        return orthogonalize(matrix.mT, n_steps, dtype).mT
    n_blocks = -(-n_rows // LARGEST_BLOCK)
    block_size = -(-n_rows // n_blocks)
    blocks = matrix.to(dtype)
    if n_blocks * block_size > n_rows:  # rows of zeros stay zero
        padding = blocks.new_zeros(n_blocks * block_size - n_rows, n_columns)
        blocks = torch.cat([blocks, padding])
    blocks = blocks.reshape(n_blocks, block_size, n_columns)
    blocks = blocks / (blocks.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(n_steps):
        products = torch.bmm(blocks, blocks.mT)
        products = torch.baddbmm(products, products, products, beta=b, alpha=c)
        blocks = torch.baddbmm(blocks, products, blocks, beta=a)
    rows = blocks.reshape(-1, n_columns)[:n_rows].to(matrix.dtype)
    return rows * math.sqrt(n_columns)
