"""Frees the disk space of debugging sections in the shared libraries of a virtual environment.

One wheel carries 66 MB of them. Only what lies in loadable segments is read at run time (System V ABI, "Program
Loading"), so each library gets a copy with holes in place of everything else. Standard library only: `inv` runs
this before anything else is there.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

WORTH_FREEING = 10_000_000  # bytes outside the loadable segments
PT_LOAD = 1
SECTION_TABLE_OFFSET, SECTION_COUNT = 0x28, 0x3C  # e_shoff; e_shnum and e_shstrndx in a 64-bit ELF header


def loadable(image: bytes | bytearray) -> list[slice]:
    """Where the loadable segments lie; nothing for what is no little-endian 64-bit ELF file."""
    if image[:6] != b"\x7fELF\x02\x01":
        return []
    (table,) = struct.unpack_from("<Q", image, 0x20)
    entry_size, count = struct.unpack_from("<HH", image, 0x36)
    entries = (struct.unpack_from("<I4xQ16xQ", image, table + index * entry_size) for index in range(count))
    return [slice(offset, offset + size) for kind, offset, size in entries if kind == PT_LOAD]


def free(library: Path) -> None:
    """Puts a sparse copy without a section table in the library's place, when that is worth it.

    The library itself is not written to: a server that runs may have it mapped.
    """
    found = library.stat()
    if found.st_blocks * 512 < found.st_size:  # sparse already
        return
    image = bytearray(library.read_bytes())
    segments = loadable(image)
    if not segments or len(image) - sum(part.stop - part.start for part in segments) < WORTH_FREEING:
        return
    image[SECTION_TABLE_OFFSET : SECTION_TABLE_OFFSET + 8] = bytes(8)
    image[SECTION_COUNT : SECTION_COUNT + 4] = bytes(4)
    copy = library.with_name(f"{library.name}.sparse")
    write_sparse(copy, image, segments)
    copy.chmod(found.st_mode)
    copy.replace(library)


def write_sparse(path: Path, image: bytes | bytearray, parts: list[slice]) -> None:
    """A file of the size of `image` that has only `parts` of it, and holes elsewhere."""
    with path.open("wb") as file:
        for part in parts:
            file.seek(part.start)
            file.write(image[part])
        file.truncate(len(image))


if __name__ == "__main__":
    for shared_library in Path(sys.argv[1]).rglob("*.so"):
        free(shared_library)
