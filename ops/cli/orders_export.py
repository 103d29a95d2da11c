"""`orders export`: the records of a period as a file."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ops.cli.exits import OutOfReach
from ops.cli.parameters import period_options, show_accounts_option, yes_option
from ops.cli.record_lists import filter_options, query_of
from ops.cli.search_line import how_far
from ops.cli.searches import search_options, searched_for, take_wanted
from ops.cli.session import Session, desk_command
from ops.desk.exports import Format, FormatUnavailable, export, require_writable
from ops.terminal.lines import agrees, exact_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = {".csv": Format.CSV, ".ndjson": Format.NDJSON, ".jsonl": Format.NDJSON}
FORMATS |= {".parquet": Format.PARQUET}


@click.command(
    "export",
    epilog="""\b
Example: python -m ops orders export january.parquet --from 2026-01-01 --to 2026-01-31
Example: python -m ops orders export - --format csv --duplicate | gzip > duplicates.csv.gz""",
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(Format, case_sensitive=False),
    help="[default: by the file's name: .csv, .ndjson, .parquet]",
)
@period_options
@search_options()
@filter_options
@show_accounts_option
@yes_option
@desk_command
def export_orders(
    session: Session,
    file: Path,
    form: Format | None,
    show_accounts: bool,
    yes: bool,
    **chosen: Any,
) -> None:
    """
    Write the records of a period to a file, newest first.

    It streams: a million records take no more memory than a thousand. The file appears under its
    name only when it is whole. It asks before it overwrites one. Accounts are masked.
    """
    form = form or FORMATS.get(file.suffix)
    if form is None:
        raise click.UsageError("Say which --format, or name the file .csv, .ndjson or .parquet.")
    if form is Format.PARQUET and str(file) == "-" and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal: name a file, or use a pipe.")
    try:
        require_writable(form)
    except FormatUnavailable as error:
        raise OutOfReach(str(error)) from error
    wanted = take_wanted(session, chosen)
    query = query_of(**chosen)
    if not yes and str(file) != "-" and file.exists():
        agrees(f"{file} is there already. Overwrite it?", abort=True, err=True)
    where = f"orders export of {query.first_day} to {query.last_day}"
    if show_accounts:
        session.desk.record_accounts_shown(where)
    records = searched_for(session, query, wanted, where)
    written = 0
    with _opened(file) as to, session.progress("records") as progress:
        records.on_read = lambda: progress(written, f"{how_far(records)} written")
        for written in export(records, to, form, show_accounts=show_accounts):
            progress(written)
    if session.as_json and str(file) != "-":
        session.print_json({"file": str(file), "format": form.value, "records": written})
    else:
        place = "stdout" if str(file) == "-" else file
        session.note(f"{written:,} records written to {place} as {form.value}.")


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open stdout, or a file that gets its name when it is whole."""
    if str(file) == "-":
        yield exact_stdout()
        return
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("wb") as to:
            yield to
        os.replace(unfinished, file)  # noqa: PTH105 (replaces on Windows too)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
