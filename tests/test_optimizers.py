"""`MuonAdamW`: Muon for hidden layers, AdamW for all else."""

import copy

import pytest
import torch
from torch import nn

from skmnist.networks import CNN
from skmnist.optimizers import MuonAdamW, orthogonalize


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CNN()


def compute_gradients(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.rand(8, 1, 28, 28, generator=generator)
    y = torch.arange(8)
    network.zero_grad()
    nn.functional.nll_loss(network(X), y).backward()


@pytest.mark.parametrize("shape", [(20, 25), (50, 500), (500, 800), (130, 200)])
@pytest.mark.parametrize("transposed", [False, True])
def test_blocks_of_rows_become_orthogonal(shape, transposed):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    given = matrix.mT if transposed else matrix
    update = orthogonalize(given, 5, torch.float32)
    assert update.shape == given.shape
    assert 0.7 < update.square().mean().sqrt() < 1.3
    update = update.mT if transposed else update
    n_blocks = -(-shape[0] // 64)
    for block in update.split(-(-shape[0] // n_blocks)):
        singular_values = torch.linalg.svdvals(block) / shape[1] ** 0.5
        assert singular_values.min() > 0.6
        assert singular_values.max() < 1.4


def test_matrices_are_orthogonalized_in_the_given_dtype():
    matrix = torch.randn(50, 500, generator=torch.Generator().manual_seed(0))
    exact, rounded = (
        orthogonalize(matrix, 5, dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded.dtype == torch.float32
    difference = (rounded - exact).square().mean().sqrt()
    assert 0 < difference < 0.05


def test_vectors_and_the_output_layer_are_updated_by_adamw(network):
    other = copy.deepcopy(network)
    settings = {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1}
    ours = MuonAdamW(network.parameters(), **settings)
    names = ["conv1.bias", "conv2.bias", "fc1.bias", "fc2.weight", "fc2.bias"]
    theirs = torch.optim.AdamW([other.get_parameter(n) for n in names], **settings)
    for seed in range(3):
        compute_gradients(network, seed)
        for weight, same in zip(network.parameters(), other.parameters(), strict=True):
            same.grad = weight.grad.clone()
        ours.step()
        theirs.step()
    for name in names:
        torch.testing.assert_close(
            network.get_parameter(name), other.get_parameter(name), rtol=0, atol=1e-7
        )


@pytest.mark.parametrize("name", ["conv1.weight", "conv2.weight", "fc1.weight"])
def test_first_update_of_hidden_layers_descends_by_the_learning_rate(network, name):
    before = network.get_parameter(name).detach().clone()
    optimizer = MuonAdamW(network.parameters(), lr=0.01, weight_decay=0.0)
    compute_gradients(network)
    optimizer.step()
    weight = network.get_parameter(name)
    update = weight.detach() - before
    assert 0.001 < update.square().mean().sqrt() < 0.013
    assert (update * weight.grad).sum() < 0


def test_kernels_are_updated_as_matrices():
    kernel = nn.Parameter(torch.zeros(6, 3, 2, 2))
    matrix = nn.Parameter(torch.zeros(6, 12))
    output = nn.Parameter(torch.zeros(2, 6))
    kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(0))
    matrix.grad = kernel.grad.flatten(1)
    MuonAdamW([kernel, matrix, output]).step()
    assert kernel.abs().sum() > 0
    assert torch.equal(kernel.flatten(1), matrix)
    assert not output.any()  # it has no gradient


def test_output_layer_is_the_last_matrix_of_all_groups(network):
    by_groups = copy.deepcopy(network)
    groups = [
        {"params": [*by_groups.conv1.parameters(), *by_groups.conv2.parameters()]},
        {"params": [*by_groups.fc1.parameters(), *by_groups.fc2.parameters()]},
    ]
    for module, params in ((network, network.parameters()), (by_groups, groups)):
        compute_gradients(module)
        MuonAdamW(params).step()
    for weight, same in zip(network.parameters(), by_groups.parameters(), strict=True):
        assert torch.equal(weight, same)


def test_learning_rates_of_groups(network):
    before = {n: w.detach().clone() for n, w in network.named_parameters()}
    groups = [
        {"params": network.conv1.parameters(), "lr": 0.0},
        {"params": [w for n, w in network.named_parameters() if "conv1" not in n]},
    ]
    compute_gradients(network)
    MuonAdamW(groups).step()
    for name, weight in network.named_parameters():
        assert torch.equal(weight, before[name]) == name.startswith("conv1")


def test_state_continues_with_the_same_bits(network):
    optimizer = MuonAdamW(network.parameters())
    compute_gradients(network, 0)
    optimizer.step()
    copied = copy.deepcopy(network)
    continued = MuonAdamW(copied.parameters())
    continued.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for module, opt in ((network, optimizer), (copied, continued)):
        compute_gradients(module, 1)
        opt.step()
    for weight, same in zip(network.parameters(), copied.parameters(), strict=True):
        assert torch.equal(weight, same)


def test_closure(network):
    optimizer = MuonAdamW(network.parameters())

    def closure():
        optimizer.zero_grad()
        loss = network(torch.ones(2, 1, 28, 28)).square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        losses = [float(optimizer.step(closure)) for _ in range(5)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", -1),
        ("momentum", 1),
        ("ns_steps", 0),
        ("betas", (0.9, 1)),
        ("eps", -1),
        ("weight_decay", -1),
        ("precision", "float16"),
    ],
)
def test_bad_parameters(network, name, value):
    with pytest.raises(ValueError, match=f"Got {name}=.*, expected"):
        MuonAdamW(network.parameters(), **{name: value})
