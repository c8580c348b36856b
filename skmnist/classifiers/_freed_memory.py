"""Memory that one batch frees, for the next one."""

import torch

LARGE_BLOCK = 31 * 2**20
"""Bytes of a block that makes glibc keep freed memory: not quite 32 MiB."""


def keep_freed_memory():
    """Let glibc, the C library of Linux, use the memory of a batch for the next one.

    It would return the freed memory to the system after each batch, and the next batch
    would wait for the system to clear it again, page by page. glibc keeps as much as
    twice the largest block of up to 32 MiB that it has freed so far (mallopt(3),
    M_MMAP_THRESHOLD). Such a block takes no memory while nothing is written to it.
    """
    torch.empty(LARGE_BLOCK, dtype=torch.uint8)
