"""(d) by hand: this system with an archive that signs and sends each put itself, as its floor."""

import os
from typing import Any

import app
from benchmarks.contenders.hand_archive import HandArchive
from benchmarks.contenders.ours import process

__all__ = ("process",)

made: dict[str, Any] = vars(app.application())
# Only the processor has begun to use the archive that it was made with.
made.pop("processor")
made["archive"] = HandArchive.from_env(os.environ)
