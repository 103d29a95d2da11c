"""
The archive of a package: the same files make the same bytes, on any machine.

How a file is compressed is up to the zlib that Python is built with, and zlib-ng does it otherwise
than zlib. The digest of the content doesn't depend on it.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Lambda's user is another one than the owner: it must be able to read.
ANYONE_MAY_READ = (stat.S_IFREG | 0o644) << 16
THE_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3
LEVEL = 9


def write_anew(archive: Path) -> None:
    """Write a zip anew: sorted by name, without the modes and the order of the machine."""
    draft = archive.with_suffix(".draft")
    with zipfile.ZipFile(archive) as made, zipfile.ZipFile(draft, "w") as written:
        for name in sorted(set(made.namelist())):
            entry = zipfile.ZipInfo(name, THE_ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = UNIX
            entry.external_attr = ANYONE_MAY_READ
            written.writestr(entry, made.read(name), compresslevel=LEVEL)
    draft.replace(archive)


def digest_of(archive: Path) -> str:
    """Digest the names and the content of the files in a zip, however they are compressed."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            digest.update(f"{len(name)}:{name}:{opened.getinfo(name).file_size}:".encode())
            digest.update(opened.read(name))
    return digest.hexdigest()
