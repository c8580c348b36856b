"""Safe files, and the encoding of states in them."""

import math
import os

import numpy as np
import pytest
import torch
from skorch.history import History

from skmnist._json_encoding import (
    StateDecoder,
    StateEncoder,
    decode_history,
    encode_history,
    load_optimizer_state,
)
from skmnist._safe_file import (
    json_to_tensor,
    read_safe_file,
    replace_atomically,
    tensor_to_json,
    write_safe_file,
)


def test_round_trip(tmp_path):
    metadata = {"ä": [1, 2.5, None, True, "\ud800"], "b": {"c": {}}}
    tensors = {
        "x": torch.rand(3, 4).T,
        "empty": torch.zeros(0),
        "scalar": torch.ones(()),
    }
    write_safe_file(tmp_path / "file", metadata, tensors)
    found, read = read_safe_file(tmp_path / "file")
    assert found == metadata
    assert read.keys() == tensors.keys()
    for name, values in tensors.items():
        assert torch.equal(read[name], values)
    first = (tmp_path / "file").read_bytes()
    write_safe_file(tmp_path / "file", found, read)
    assert (tmp_path / "file").read_bytes() == first


def test_replace_atomically(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replace_atomically(path) as temporary:
        temporary.write_text(f"half {1 / 0}")
    assert path.read_text() == "old"
    with replace_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_metadata_without_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_safe_file(tmp_path / "file", {"x": math.nan}, {})
    assert os.listdir(tmp_path) == []


def test_json_in_a_tensor():
    value = {"a": [1, 0.1, -0.0, 1e-320, True, None, "ü\ud800"], "": {"b": []}}
    tensor = json_to_tensor(value)
    assert tensor.dtype == torch.uint8
    assert repr(tensor_to_json(tensor)) == repr(value)
    numbers = tensor_to_json(json_to_tensor([math.nan, math.inf, -math.inf]))
    assert repr(numbers) == "[nan, inf, -inf]"
    with pytest.raises(TypeError):
        json_to_tensor(object())


@pytest.mark.parametrize(
    "text", ["", "[", "[" * 100_000, '{"a":' * 100_000, "x", "\xff", "9" * 5000, "[1]x"]
)
def test_tensor_without_json(text):
    content = bytearray(text.encode("latin-1"))
    tensor = torch.tensor(content, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"JSON|Expecting|codec|digits|Extra|nested"):
        tensor_to_json(tensor)


def test_tensor_of_another_type():
    for tensor in (torch.zeros(3), torch.zeros(1, 1, dtype=torch.uint8)):
        with pytest.raises(ValueError, match="expected the bytes of a JSON text"):
            tensor_to_json(tensor)


def encode_and_decode(value):
    encoder = StateEncoder()
    encoded = tensor_to_json(json_to_tensor(encoder.encode(value, "x")))
    decoder = StateDecoder(encoder.tensors)
    decoded = decoder.decode(encoded)
    assert decoder.tensors == {}
    return decoded


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, 0.1, 10**30, math.inf, "x", [], (), {}, [1, [2]], (1, (2,))),
        *(
            {1: "a", "b": (None,), 2.5: {}},
            torch.device("cuda", 1),
            [(1,), {(1, 2): 3}],
        ),
    ],
)
def test_plain_values(value):
    found = encode_and_decode(value)
    assert type(found) is type(value)
    assert found == value


def test_numpy_scalars_become_plain():
    values = [np.float32(0.1), np.int8(3), np.True_, np.str_("x"), np.float64("nan")]
    found = encode_and_decode(values)
    assert [type(value) for value in found] == [float, int, bool, str, float]
    assert found[:4] == [float(np.float32(0.1)), 3, True, "x"]
    assert math.isnan(found[4])


@pytest.mark.parametrize(
    "array",
    [
        *(np.arange(6).reshape(2, 3), np.arange(6.0).reshape(2, 3).T, np.zeros((0, 3))),
        *(
            np.array(2.5),
            np.array([True]),
            np.arange(4, dtype=">i4"),
            np.arange(9)[::2],
        ),
        *(np.array([2**64 - 1], np.uint64), np.float16([1.5]), np.array([np.nan])),
        *(np.array(["a", "bcd"]), np.array(["a", 3, None, 2.5], dtype=object)),
        np.array([], dtype=str),
    ],
)
def test_arrays(array):
    found = encode_and_decode(array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.f_contiguous == array.flags.f_contiguous or array.ndim < 2
    assert found.shape == array.shape
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize(
    "value",
    [
        *(object(), len, 1j, np.array([1j]), np.array(["2020"], dtype="datetime64[D]")),
        *(np.ma.array([1]), np.array([[1, None]]), {1}, b"x"),
    ],
)
def test_other_values_are_refused_by_name(value):
    with pytest.raises(TypeError, match=r"Got x(\[0\])?="):
        StateEncoder().encode(value, "x")


@pytest.mark.parametrize(
    "encoded",
    [
        *({}, {"a": 1, "b": 2}, {"tuple": 3}, {"float": "1"}, {"array": "missing"}),
        *({"array_of": ["U9", ["x"]]}, {"array_of": ["str", [1]]}, {"dict": [[[], 1]]}),
        *({"array_of": ["object", [[1]]]}, {"class": "os.system"}, {"device": 3}),
        {"array_of": ["str", [*map(str, range(4000)), "x" * 4000]]},
    ],
)
def test_other_encodings_are_refused(encoded):
    with pytest.raises((ValueError, TypeError, KeyError)):
        StateDecoder({}).decode(encoded)


def test_each_tensor_is_decoded_once():
    decoder = StateDecoder({"x": torch.zeros(2)})
    with pytest.raises(KeyError):
        decoder.decode([{"tensor": "x"}, {"tensor": "x"}])


def test_history():
    history = History()
    for epoch in range(3):
        history.new_epoch()
        history.record("epoch", epoch + 1)
        history.record("train_loss", np.float32(0.1) if epoch else math.inf)
        history.record("best", np.bool_(epoch == 1))
        for _ in range(2):
            history.new_batch()
            history.record_batch("train_loss", np.float64(1 / 3))
    history.new_batch()
    found = decode_history(encode_history(history))
    assert type(found) is History
    del history[-1]["batches"][-1]
    assert found == history
    assert type(found[0, "best"]) is bool
    assert found[:, "batches", :, "train_loss"] == [[1 / 3] * 2] * 3
    history.record("note", "good")
    with pytest.raises(TypeError, match="Got note='good' in the history"):
        encode_history(history)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop", "LBFGS", "Adafactor"])
def test_optimizer(optimizer):
    def make():
        torch.manual_seed(0)
        network = torch.nn.Linear(3, 2)
        cls = getattr(torch.optim, optimizer)
        momentum = {"momentum": 0.9} if optimizer == "SGD" else {}
        return network, cls(network.parameters(), lr=0.01, **momentum)

    def train(network, optimizer, n_steps):
        def closure():
            optimizer.zero_grad()
            loss = network(torch.ones(4, 3)).square().sum()
            loss.backward()
            return loss

        for _ in range(n_steps):
            optimizer.step(closure)

    (network, first), (copy, second) = make(), make()
    train(network, first, 3)
    copy.load_state_dict(network.state_dict())
    load_optimizer_state(second, encode_and_decode(first.state_dict()))
    train(network, first, 3)
    train(copy, second, 3)
    for expected, found in zip(network.parameters(), copy.parameters(), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("shape", [(), (5,), (3, 2, 2)])
def test_state_of_a_fused_optimizer_for_other_parameters(shape):
    """The optimizer itself would read and write beyond the end of such a tensor."""
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = torch.zeros(shape)
    with pytest.raises(RuntimeError):
        load_optimizer_state(optimizer, state)
