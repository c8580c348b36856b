"""Safe files: metadata and tensors in one safetensors file with a checksum.

Nothing in such a file is executed when it is read, damage is detected, and a file
appears whole or not at all.

The header of a safetensors file may hold strings. This format uses one, a JSON object
whose first entry is the SHA-256 of the whole file, computed with zeros in its place.
"""

import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors

HEADER_LIMIT = 2**16
"""Bytes that a header may have in addition to an eighth of the file.

A parsed header takes many times its size in memory; the limit bounds the total to a few
times the size of the file.
"""

LENGTH_SIZE = 8
"""Bytes before the header: its length, as safetensors defines it."""

START = b'{"__metadata__":{"skmnist":"{\\"sha256\\": \\"'
CHECKSUM_PLACEHOLDER = b"0" * 64
CHECKSUM_START = LENGTH_SIZE + len(START)
CHECKSUM_END = CHECKSUM_START + len(CHECKSUM_PLACEHOLDER)


@contextmanager
def replace_atomically(path):
    """Yield a temporary path whose file replaces `path` unless an error is raised.

    Parameters
    ----------
    path : str or PathLike
        File to create or replace.

    Yields
    ------
    Path
        File to write, in a temporary folder beside `path`.

    Raises
    ------
    OSError
        If `path` is a folder, its folder does not exist, or it cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"Got {path}, a folder; expected the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Got {path}, but there is no folder {path.parent}. Create it first."
        )
    with tempfile.TemporaryDirectory(prefix=".skmnist-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)


def write_safe_file(path, metadata, tensors):
    """Write metadata and tensors into one file; it appears whole or not at all.

    The same metadata and tensors give the same bytes.

    Parameters
    ----------
    path : str or PathLike
    metadata : dict
        JSON-serializable, without NaN and infinities. The key `sha256` is reserved.
    tensors : dict of str to tensor
        Tensors on any device.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the metadata are too large for a file with these tensors.
    """
    metadata = {"sha256": CHECKSUM_PLACEHOLDER.decode(), **metadata}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    text = json.dumps(metadata, allow_nan=False)
    content = bytearray(safetensors.save(tensors, {"skmnist": text}))
    length = int.from_bytes(content[:LENGTH_SIZE], "little")
    limit = _header_limit(len(content))
    if length > limit:
        raise ValueError(
            f"Got metadata (parameters, labels, feature names) of {length:,} bytes; "
            f"a file of this size can hold {limit:,}. Shorten them."
        )
    content[CHECKSUM_START:CHECKSUM_END] = _checksum(content).encode()
    with replace_atomically(path) as temporary:
        temporary.write_bytes(content)


def read_safe_file(path):
    """Read a file written by `write_safe_file`.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    metadata : dict
    tensors : dict of str to tensor
        On the CPU.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If it is another kind of file, or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"Got {path}, but there is no such file.")
    if not path.is_file():
        raise ValueError(f"Got {path}, which is not a regular file.")
    with open(path, "rb") as file:
        start = file.read(CHECKSUM_END)
        if start[LENGTH_SIZE:CHECKSUM_START] != START:
            raise ValueError(
                f"Got {path}, which is not a file of skmnist, or its beginning is "
                "damaged. Expected a file written by skmnist.save; pickles are not "
                "read."
            )
        length = int.from_bytes(start[:LENGTH_SIZE], "little")
        size = os.fstat(file.fileno()).st_size
        longest = min(_header_limit(size), size - LENGTH_SIZE)
        if not CHECKSUM_END - LENGTH_SIZE <= length <= longest:
            raise _damaged(path, f"its header cannot have {length:,} bytes")
        content = start + file.read(LENGTH_SIZE + length - CHECKSUM_END)
        try:
            header = json.loads(content[LENGTH_SIZE:])
            text = header.pop("__metadata__")["skmnist"]
            metadata = json.loads(text, parse_constant=_reject_constant)
            del metadata["sha256"]
            ends = [entry["data_offsets"][1] for entry in header.values()]
            expected_size = LENGTH_SIZE + length + max(ends, default=0)
        except (
            *(ValueError, RecursionError),  # not JSON, or nested too deeply
            *(AttributeError, IndexError, KeyError, TypeError),  # other content
        ) as error:
            raise _damaged(path, f"its header is invalid ({error!r:.100})") from None
        if size != expected_size:
            raise _damaged(
                path, f"it has {size:,} bytes instead of {expected_size!r:.20}"
            )
        content += file.read(size - len(content))
    if content[CHECKSUM_START:CHECKSUM_END] != _checksum(content).encode():
        raise _damaged(path, "its checksum does not match")
    try:
        return metadata, safetensors.load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _damaged(path, f"its tensors are invalid ({error!r:.100})") from None


def json_to_tensor(value):
    """Encode a value as JSON text in a tensor, for values too large for the metadata.

    Parameters
    ----------
    value : JSON-serializable object
        May hold NaN and infinities; they are written as `NaN`, `Infinity` and
        `-Infinity`, as Python's `json` does. As there, tuples become lists and the
        keys of dicts strings.

    Returns
    -------
    tensor of shape (n_bytes,), uint8
        The text in UTF-8.

    Raises
    ------
    TypeError, ValueError
        If the value is not JSON-serializable.
    """
    text = json.dumps(value, separators=(",", ":"))
    return torch.from_numpy(np.frombuffer(text.encode(), dtype=np.uint8).copy())


def tensor_to_json(tensor):
    """Decode a value encoded by `json_to_tensor`.

    Parameters
    ----------
    tensor : tensor of shape (n_bytes,), uint8

    Returns
    -------
    None, bool, int, float, str, list or dict
        Takes at most about 30 times the size of the tensor in memory.

    Raises
    ------
    ValueError
        If the tensor does not hold JSON text, or the JSON is nested too deeply.
    """
    if tensor.dtype != torch.uint8 or tensor.ndim != 1:
        raise ValueError(
            f"Got a tensor of type {tensor.dtype} and shape {tuple(tensor.shape)}, "
            "expected the bytes of a JSON text: uint8, one dimension."
        )
    try:
        return json.loads(tensor.cpu().numpy().tobytes().decode())
    except RecursionError:
        raise ValueError("Got JSON text that is nested too deeply.") from None


def _header_limit(size):
    return HEADER_LIMIT + size // 8


def _checksum(content):
    """SHA-256 of a file's content with zeros in place of its checksum, hexadecimal."""
    view = memoryview(content)
    digest = hashlib.sha256(view[:CHECKSUM_START])
    digest.update(CHECKSUM_PLACEHOLDER)
    digest.update(view[CHECKSUM_END:])
    return digest.hexdigest()


def _reject_constant(constant):
    raise ValueError(f"{constant} is not JSON")


def _damaged(path, reason):
    return ValueError(
        f"Got {path}, which is damaged: {reason}. Copy or download it again, or save "
        "the model again."
    )
