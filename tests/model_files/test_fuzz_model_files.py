"""Damaged, foreign and hostile files."""

import runpy
import sys

import fuzz_model_files as fuzz
import pytest
from damaged_files import with_checksum
from hostile_files import LARGE_HISTORY

import skmnist
from skmnist._safe_file import HEADER_LIMIT, read_safe_file


def test_header_beyond_the_limit_is_not_read(few, small, path):
    clf = small(max_epochs=1).fit(*few)
    skmnist.save(clf, path)
    metadata, tensors = read_safe_file(path)
    for length, fits in ((10, True), (path.stat().st_size + 2**17, False)):
        path.write_bytes(with_checksum({**metadata, "note": "x" * length}, tensors))
        if fits:
            assert skmnist.load(path).n_iter_ == 1
        else:
            with pytest.raises(ValueError, match="its header cannot have"):
                skmnist.load(path)


def test_damaged_files_are_refused():
    """Some of the files of `python tests/model_files/fuzz_model_files.py`."""
    found = fuzz.try_damaged_files(800, seed=1)
    assert sum(entry["n"] for entry in found.values()) == 800
    assert len(found) == len(fuzz.KINDS)
    for kind, entry in found.items():
        multiple = 40 if LARGE_HISTORY in kind else 5
        # a header of this size can be full of brackets
        assert entry["peak"] < multiple * entry["size"] + 20 * HEADER_LIMIT


def test_without_the_module_resource(monkeypatch):
    """Windows does not have it."""
    monkeypatch.setitem(sys.modules, "resource", None)
    functions = runpy.run_path(fuzz.__file__)
    assert "memory of the process is unknown" in functions["resident_memory"]()


def test_every_byte_counts(tmp_path):
    """A change of one bit is found, wherever it is."""
    model = fuzz.make_models(tmp_path)["pipeline"]
    content = model.read_bytes()
    for position in range(0, len(content), 11):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        model.write_bytes(changed)
        with pytest.raises(ValueError, match=r"damaged|not a file of skmnist"):
            skmnist.load(model)
