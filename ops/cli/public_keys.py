"""The option that names a file with a public key."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ops.cli.exits import OutOfReach
from ops.desk.key_file import KeyFileUnusable
from ops.desk.seal_keys import BadKey, PublicKey
from ops.desk.stage_key import NoKey

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 10_000

public_key_option = click.option(
    "--public-key",
    type=click.Path(dir_okay=False),
    help="The public key that seals are signed with, in PEM, as you have it from elsewhere.",
)


def read_public_key(file: str) -> PublicKey:
    """
    Read a public key.

    Raises:
        click.UsageError: the file can't be read, or is no such key.
    """
    try:
        with Path(file).open("rb") as opened:
            return PublicKey.from_pem(opened.read(MOST_BYTES))
    except OSError as error:
        raise click.UsageError(f"{file} can't be read: {error.strerror}.") from error
    except BadKey as error:
        raise click.UsageError(f"{file} is no public key of seals: {error}.") from error


@contextmanager
def keys_said() -> Iterator[None]:
    """Say in a line why the stage gives no key."""
    try:
        yield
    except NoKey as error:
        raise OutOfReach(str(error)) from error
    except (BadKey, KeyFileUnusable) as error:
        raise OutOfReach(f"The stage gives no key of seals: {error}.") from error
