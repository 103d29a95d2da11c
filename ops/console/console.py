"""The things that all pages share: the stage, and the work that goes on while no page is open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.orders.times import now
from ops.console.depths import Depths, cloudwatch_history
from ops.console.downloads import Downloads
from ops.console.jobs import Job, Jobs
from ops.console.sampling import Throughput
from ops.stage_names import LOCAL_STAGE

if TYPE_CHECKING:
    from ops.console.pages.seals.job import SealJob
    from ops.desk.desk import Desk

ASSETS = Path(__file__).with_name("static")
# Stages that hold no customer's orders.
TRIAL_STAGES = (LOCAL_STAGE, "dev")


@dataclass
class Console:
    """The console of one stage. `api_url` is where its API is, if that is known here."""

    desk: Desk
    api_url: str | None = None
    jobs: Jobs[Job] = field(default_factory=Jobs)
    seal_jobs: Jobs[SealJob] = field(default_factory=Jobs)
    downloads: Downloads = field(default_factory=Downloads)

    @cached_property
    def depths(self) -> Depths:
        return Depths(self.desk.stats.depths, cloudwatch_history(self.desk.stage), now)

    @cached_property
    def throughput(self) -> Throughput:
        return Throughput(self.desk.stats, self.desk.records, now)

    @property
    def stage(self) -> str:
        return self.desk.stage.name

    @property
    def is_local(self) -> bool:
        return self.desk.stage.is_local

    @property
    def region(self) -> str | None:
        return self.desk.stage.session.region_name

    @property
    def may_try(self) -> bool:
        """Tell whether orders may be made up here."""
        return self.stage in TRIAL_STAGES

    @cached_property
    def asset_version(self) -> str:
        """A digest of the assets: no browser shows old ones."""
        digest = hashlib.sha256()
        for file in sorted(ASSETS.iterdir()):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]
