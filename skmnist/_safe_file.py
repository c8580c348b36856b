"""Facts and tensors in one safetensors file that tells when it is not whole.

The header of a safetensors file may hold strings; ours holds one, JSON, whose first
entry is the SHA-256 of the whole file as it is with zeros in place of that sum.
"""

import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from safetensors import torch as safetensors

HEADER_LIMIT = 2**16
"""Bytes that a header may have beyond an eighth of the file.

Parsed, it takes many times its size in memory; the whole should take a few.
"""

LENGTH = 8
"""Bytes in front of the header: its length, as safetensors has it."""

START = b'{"__metadata__":{"skmnist":"{\\"sha256\\": \\"'
ZEROS = b"0" * 64
BODY = LENGTH + len(START) + len(ZEROS)
"""Where the sum ends."""


@contextmanager
def replacing(path):
    """Yield the path of a temporary file that becomes `path` if all goes well.

    Parameters
    ----------
    path : str or PathLike

    Raises
    ------
    OSError
        If the file cannot be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"Got {path}, a folder; expected the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Got {path}, but there is no folder {path.parent}. Make it first."
        )
    with tempfile.TemporaryDirectory(prefix=".skmnist-", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)


def write_sealed(path, facts, tensors):
    """Write a file; it appears whole or not at all.

    Parameters
    ----------
    path : str or PathLike
    facts : dict
        What JSON can hold.
    tensors : dict of tensors by name

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the facts are too many.
    """
    text = json.dumps({"sha256": ZEROS.decode(), **facts}, allow_nan=False)
    tensors = {name: values.contiguous() for name, values in tensors.items()}
    content = bytearray(safetensors.save(tensors, {"skmnist": text}))
    length = int.from_bytes(content[:LENGTH], "little")
    limit = _header_limit(len(content))
    if length > limit:
        raise ValueError(
            f"Got parameters, labels and names of features that take {length:,} bytes; "
            f"a file of this size holds {limit:,}. Shorten them."
        )
    content[BODY - len(ZEROS) : BODY] = _digest(content).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read_sealed(path):
    """Read what `write_sealed` wrote.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    facts : dict
    tensors : dict of tensors by name

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is another kind of file, or not as it was written.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"Got {path}, but there is no such file.")
    if not path.is_file():
        raise ValueError(f"Got {path}, which is no regular file.")
    with open(path, "rb") as file:
        start = file.read(BODY)
        if start[LENGTH : LENGTH + len(START)] != START:
            raise ValueError(
                f"Got {path}, which is not a file of skmnist's, or has lost its "
                "beginning. Expected what skmnist.save wrote; pickles are not read."
            )
        length = int.from_bytes(start[:LENGTH], "little")
        size = os.fstat(file.fileno()).st_size
        if not BODY - LENGTH <= length <= min(_header_limit(size), size - LENGTH):
            raise _damaged(path, f"its header cannot have {length:,} bytes")
        content = start + file.read(LENGTH + length - BODY)
        try:
            table = json.loads(content[LENGTH:])
            text = table.pop("__metadata__")["skmnist"]
            facts = json.loads(text, parse_constant=_refuse)  # NaN and the like
            ends = [entry["data_offsets"][1] for entry in table.values()]
            expected = LENGTH + length + max(ends, default=0)
        except (
            *(ValueError, RecursionError),  # no JSON
            *(AttributeError, IndexError, KeyError, TypeError),  # or another content
        ) as error:
            raise _damaged(path, f"its header is none ({error!r:.100})") from None
        if size != expected:
            raise _damaged(path, f"it has {size:,} bytes instead of {expected!r:.20}")
        content += file.read(size - len(content))
    if content[BODY - len(ZEROS) : BODY] != _digest(content).encode():
        raise _damaged(path, "its checksum is another one")
    try:
        return facts, safetensors.load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _damaged(path, f"its tensors are none ({error!r:.100})") from None


def _header_limit(size):
    return HEADER_LIMIT + size // 8


def _digest(content):
    """SHA-256, in hexadecimal, of a file's content without its own sum."""
    view = memoryview(content)
    digest = hashlib.sha256(view[: BODY - len(ZEROS)])
    digest.update(ZEROS)
    digest.update(view[BODY:])
    return digest.hexdigest()


def _refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def _damaged(path, reason):
    return ValueError(
        f"Got {path}, which is damaged: {reason}. Copy or download it again, or save "
        "the model anew."
    )
