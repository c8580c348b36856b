import numpy as np
import pytest
import torch

from skmnist.networks import CNN


def test_pooling_before_relu_is_equivalent():
    """The article applies ReLU first."""
    torch.manual_seed(0)
    network = CNN(mean=33, std=78).double()
    X = torch.randint(0, 256, (9, 1, 28, 28))
    Z = (X - network.mean) / network.std
    for convolution in (network.conv1, network.conv2):
        Z = torch.max_pool2d(torch.relu(convolution(Z)), 2)
    Z = network.fc2(torch.relu(network.fc1(Z.flatten(1)))).log_softmax(1)
    torch.testing.assert_close(network(X), Z, rtol=0, atol=1e-12)


def test_layers_can_be_hooked():
    """Guided backpropagation and DeepLift hook each ReLU and pooling."""
    network = CNN()
    outputs = []
    for layer in network.modules():
        if isinstance(layer, (torch.nn.ReLU, torch.nn.MaxPool2d)):
            layer.register_forward_hook(lambda *args: outputs.append(args[2].shape[1:]))
    network(torch.rand(2, 1, 28, 28))
    assert outputs == [
        *((20, 12, 12), (20, 12, 12)),
        *((50, 4, 4), (50, 4, 4)),
        (500,),
    ]
    # a separate layer for each: DeepLift stores the inputs and outputs of a layer
    assert len([m for m in network.modules() if isinstance(m, torch.nn.ReLU)]) == 3
    assert network.state_dict().keys() == {
        *("mean", "std", "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"),
        *("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"),
    }


def test_guided_backpropagation():
    """Hooks, as captum uses them, agree with a manual implementation."""
    torch.manual_seed(0)
    network = CNN(channels=(3, 4), hidden_units=5).eval()

    def guide(layer, grad_input, grad_output):
        return (grad_input[0].clamp(min=0),)

    for layer in network.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.register_full_backward_hook(guide)
    X = torch.rand(2, 1, 28, 28, requires_grad=True)
    network(X)[:, 3].sum().backward()

    class GuidedReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, Z):
            ctx.save_for_backward(Z)
            return Z.clamp(min=0)

        @staticmethod
        def backward(ctx, gradient):
            (Z,) = ctx.saved_tensors
            return gradient.clamp(min=0) * (Z > 0)

    by_hand = X.detach().clone().requires_grad_()
    Z = by_hand
    for convolution in (network.conv1, network.conv2):
        Z = GuidedReLU.apply(torch.max_pool2d(convolution(Z), 2))
    Z = network.fc2(GuidedReLU.apply(network.fc1(Z.flatten(1))))
    Z.log_softmax(1)[:, 3].sum().backward()
    assert by_hand.grad.abs().max() > 0
    torch.testing.assert_close(X.grad, by_hand.grad, rtol=1e-4, atol=1e-7)


def test_weights_are_contiguous():
    """As safetensors, LBFGS and ONNX require; convolutions get channels-last input."""
    network, strides = CNN((3, 28, 28), mean=[1, 2, 3]), []
    assert all(values.is_contiguous() for values in network.state_dict().values())
    for shape in ((1, 28, 28), (3, 28, 28)):
        network = CNN(shape)
        network.conv1.register_forward_pre_hook(
            lambda _, inputs: strides.append(inputs[0].stride())
        )
        network(torch.rand(2, *shape))
    assert strides == [(784, 1, 28, 1), (3 * 784, 1, 3 * 28, 3)]


def n_parameters(module):
    return sum(weights.numel() for weights in module.parameters())


def test_number_of_parameters_per_layer():
    network = CNN()
    assert n_parameters(network.conv1) == 520
    assert n_parameters(network.conv2) == 25_050
    assert n_parameters(network.fc1) == 400_500
    assert n_parameters(network.fc2) == 5_010
    assert n_parameters(network) == 431_080


@pytest.mark.parametrize(
    "image_shape",
    [(1, 28, 28), (1, 8, 8), (1, 1, 1), (1, 16, 16), (3, 32, 32), (2, 20, 31)],
)
@pytest.mark.parametrize("n_classes", [2, 10, 47])
def test_log_probabilities_for_any_shape(image_shape, n_classes):
    network = CNN(image_shape, n_classes)
    log_probabilities = network(torch.rand(5, *image_shape))
    assert log_probabilities.shape == (5, n_classes)
    torch.testing.assert_close(log_probabilities.exp().sum(1), torch.ones(5))


def test_network_standardises_its_input():
    torch.manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 28, 28), dtype=torch.uint8)
    mean, std = [10.0, 20.0, 30.0], [1.0, 2.0, 3.0]
    inside = CNN((3, 28, 28), mean=mean, std=std)
    plain = CNN((3, 28, 28))
    weights = inside.state_dict()
    assert weights["mean"].flatten().tolist() == mean
    assert weights["std"].flatten().tolist() == std
    plain.load_state_dict({**weights, "mean": torch.zeros(3, 1, 1), "std": plain.std})
    column = (1, 3, 1, 1)
    standardised = images - torch.tensor(mean).reshape(column)
    standardised /= torch.tensor(std).reshape(column)
    torch.testing.assert_close(inside(images), plain(standardised))


def interpolate(values, n):
    """Interpolate values at n evenly spaced positions over the same length."""
    positions = (np.arange(n) + 0.5) * len(values) / n - 0.5
    return np.interp(positions, np.arange(len(values)), values)


@pytest.mark.parametrize("image_shape", [(1, 8, 8), (2, 5, 40)])
def test_small_images_are_interpolated_linearly(image_shape):
    torch.manual_seed(0)
    images = torch.randint(0, 256, (3, *image_shape), dtype=torch.uint8)
    small = CNN(image_shape, mean=33, std=78).double()
    large = CNN((image_shape[0], 28, 28), mean=33, std=78).double()
    large.load_state_dict(small.state_dict())
    resized = np.apply_along_axis(interpolate, 2, images.numpy(), 28)
    resized = np.apply_along_axis(interpolate, 3, resized, 28)
    resized = torch.from_numpy(resized)
    torch.testing.assert_close(small(images), large(resized), rtol=0, atol=1e-12)


def test_hyperparameters():
    network = CNN(channels=(3, 7), kernel_size=3, hidden_units=11, dropout=0.5)
    assert network.conv1.weight.shape == (3, 1, 3, 3)
    assert network.conv2.weight.shape == (7, 3, 3, 3)
    assert network.fc1.weight.shape == (11, 7 * 5 * 5)
    images = torch.rand(2, 1, 28, 28)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_too_large_kernel_raises():
    with pytest.raises(ValueError, match=r"Got kernel_size=7, .* shape \(1, 16, 16\)"):
        CNN((1, 16, 16), kernel_size=7)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("channels", [(32, 64, 128), (32,), 32, (20, 0), (-4, 8), (4.0, 8), "48", ()]),
        ("kernel_size", [0, -3, 3.0, (3, 3), "3", None]),
        ("hidden_units", [0, -1, 500.0, (500,), None]),
        ("dropout", [-0.1, 1.0, 1, float("nan"), "0.5", None]),
    ],
)
def test_bad_parameters(name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf"Got {name}=.*, expected"):
            CNN(**{name: value})


def test_sizes_of_numpy():
    """As a search may pass them."""
    network = CNN(channels=np.array([3, 4]), hidden_units=np.int64(5))
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
