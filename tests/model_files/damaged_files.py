"""Files that are damaged or foreign, or have a hostile header.

Each function changes the content of a model file.
"""

import io
import json
import os
import pickle
import zipfile

import joblib
import numpy as np
import safetensors.torch
import torch

from skmnist._safe_file import (
    CHECKSUM_END,
    CHECKSUM_PLACEHOLDER,
    CHECKSUM_START,
    HEADER_LIMIT,
    LENGTH_SIZE,
    START,
    _checksum,
)

EXECUTED = "SKMNIST_TEST_EXECUTED"
"""Environment variable that is set when a pickle is executed."""


class Malicious:
    """Executes a call when it is unpickled."""

    def __reduce__(self):
        return os.putenv, (EXECUTED, "1")


def with_checksum(metadata, tensors):
    """A file with a valid checksum around any content."""
    text = '{"sha256": "' + CHECKSUM_PLACEHOLDER.decode() + '", '
    text += json.dumps(metadata)[1:]
    return fix_checksum(safetensors.torch.save(tensors, {"skmnist": text}))


def fix_checksum(content):
    content = bytearray(content)
    content[CHECKSUM_START:CHECKSUM_END] = _checksum(content).encode()
    return bytes(content)


# Damage: the checksum is not valid ---------------------------------------------------


def flip_bit_of(first, last):
    def flip(content, generator):
        content = bytearray(content)
        stop = len(content) if last is None else last(content)
        position = generator.randrange(first, stop)
        content[position] ^= 1 << generator.randrange(8)
        return bytes(content)

    return flip


def header_end(content):
    return LENGTH_SIZE + int.from_bytes(content[:LENGTH_SIZE], "little")


def truncate(content, generator):
    return content[: generator.randrange(len(content))]


def extend(content, generator):
    return content + generator.randbytes(generator.randrange(1, 2000))


def overwrite(content, generator):
    size = generator.randrange(1, 4096)
    at = generator.randrange(len(content))
    return content[:at] + generator.randbytes(size) + content[at + size :]


def drop_part(content, generator):
    at = generator.randrange(len(content))
    return content[:at] + content[at + generator.randrange(1, 4096) :]


def swap_blocks(content, generator):
    middle = generator.randrange(1, len(content))
    return content[middle:] + content[:middle]


def as_text(content, generator):
    """Line ends changed by a transfer in text mode."""
    changed = content.replace(b"\n", b"\r\n")
    return changed if changed != content else content + b"\n"


# Foreign files -----------------------------------------------------------------------


def pickled(content, generator):
    return pickle.dumps(Malicious(), protocol=generator.randrange(6))


def joblib_file(content, generator):
    file = io.BytesIO()
    joblib.dump(Malicious(), file, compress=generator.randrange(4))
    return file.getvalue()


def torch_file(content, generator):
    file = io.BytesIO()
    torch.save({"weights": torch.zeros(3), "x": Malicious()}, file)
    return file.getvalue()


def zip_file(content, generator):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", generator.randbytes(100))
    return file.getvalue()


def numpy_file(content, generator):
    file = io.BytesIO()
    np.save(file, np.array([Malicious()]), allow_pickle=True)
    return file.getvalue()


def noise(content, generator):
    return generator.randbytes(generator.choice([0, 1, 7, 8, 9, 100, 10_000]))


def pickle_after_valid_start(content, generator):
    body = pickle.dumps(Malicious())
    return (
        len(body).to_bytes(LENGTH_SIZE, "little") + START + CHECKSUM_PLACEHOLDER + body
    )


def other_safetensors(content, generator):
    metadata = generator.choice([None, {"format": "pt"}, {"skmnist": "{}"}])
    return safetensors.torch.save({"x": torch.zeros(4)}, metadata)


# Hostile headers ---------------------------------------------------------------------


def huge_header(content, generator):
    length = generator.choice([2**63, 2**40, 2 * HEADER_LIMIT, len(content) * 2])
    return fix_checksum(length.to_bytes(LENGTH_SIZE, "little") + content[LENGTH_SIZE:])


def header_of_brackets(content, generator):
    """JSON that takes many times its size in memory, in the header or the metadata."""
    n = HEADER_LIMIT // 5
    value = generator.choice(
        ["[" * n, "[[]," * n, f"[{'{},' * n}1]", f"[{'1.5,' * n}1]"]
    )
    rest = generator.choice(['\\"}"}, "x": %s}', '\\", \\"x\\": %s}"}}']) % value
    header = START + CHECKSUM_PLACEHOLDER + rest.encode()
    return fix_checksum(len(header).to_bytes(LENGTH_SIZE, "little") + header)


DAMAGE = {
    "a bit of the length": flip_bit_of(0, lambda content: LENGTH_SIZE),
    "a bit of the header": flip_bit_of(LENGTH_SIZE, header_end),
    "a bit anywhere": flip_bit_of(0, None),
    "truncated": truncate,
    "extended": extend,
    "overwritten": overwrite,
    "a part is missing": drop_part,
    "blocks swapped": swap_blocks,
    "line ends changed": as_text,
    "foreign: pickle": pickled,
    "foreign: joblib": joblib_file,
    "foreign: torch.save": torch_file,
    "foreign: zip": zip_file,
    "foreign: NumPy": numpy_file,
    "foreign: noise": noise,
    "foreign: pickle after a valid start": pickle_after_valid_start,
    "foreign: other safetensors": other_safetensors,
    "hostile: huge header": huge_header,
    "hostile: brackets": header_of_brackets,
}
