"""Object Lock before it changes: what S3 can't do, and what can't be undone afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.deploy.imports import importable_names
from ops.deploy.problems import DENIED, DeploymentProblem, code_of
from ops.object_lock import (
    COMPLIANCE,
    GOVERNANCE,
    OBJECT_LOCK,
    OBJECT_LOCK_DAYS,
    Lock,
    lock_of_bucket,
    lock_wanted,
)
from ops.project import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops.deploy.account import Aws
    from ops.deploy.stage_config import StageConfig

BUCKET = "OrdersBucket"


class BucketLock:
    """Object Lock of a stage's bucket: what is there, and what the stage asks for."""

    def __init__(self, aws: Aws, config: StageConfig, template: Mapping[str, Any]) -> None:
        self._aws = aws
        self._config = config
        self._template = template

    def require_possible(self, require_typed: Callable[[str], None]) -> None:
        """
        Refuse what S3 can't do. What nobody can undo, let the user confirm by the stage's name.

        Raises:
            DeploymentProblem: why not, and what to do.
        """
        wanted, has = self._wanted(), self._now()
        if has and has.is_on and not wanted.is_on:
            raise DeploymentProblem(
                f"Bucket {self._bucket} has {has}, and S3 can't turn that off: nothing was "
                f'changed. The least is "{OBJECT_LOCK}": "{GOVERNANCE}", "{OBJECT_LOCK_DAYS}": '
                f'"1" in the resource_parameters of stage {self._config.stage} in {CONFIG}.'
            )
        if wanted.mode == COMPLIANCE and wanted != has:
            require_typed(
                f"From now on nobody can delete an object of {self._bucket} for {wanted.days} days "
                "from its put, or shorten that: not you, not the account's root, not AWS. Until "
                "then the bucket stays and is paid for. This can't be undone"
            )

    def require_deletable(self) -> None:
        """
        Refuse to delete data that S3 would keep, before anything of the stage is gone.

        Raises:
            DeploymentProblem: the bucket locks its objects for everybody.
        """
        has = self._now()
        if has and has.mode == COMPLIANCE:
            raise DeploymentProblem(
                f"Bucket {self._bucket} has {has}: until then nobody can delete its objects. "
                "Nothing was changed. To take the stage down and keep its data, leave "
                "--delete-data out."
            )

    @property
    def _bucket(self) -> str:
        values = {
            "Stage": self._config.stage,
            "AWS::AccountId": self._aws.identity.account_id,
            "AWS::Region": self._aws.region,
        }
        return importable_names(self._template, values)[BUCKET]

    def _wanted(self) -> Lock:
        defaults = {
            name: self._template["Parameters"][name]["Default"]
            for name in (OBJECT_LOCK, OBJECT_LOCK_DAYS)
        }
        return lock_wanted(defaults | self._config.resource_parameters)

    def _now(self) -> Lock | None:
        """Read what the bucket has. None: the caller may not know."""
        try:
            return lock_of_bucket(self._aws.s3, self._bucket)
        except ClientError as error:
            if code_of(error) in DENIED:
                return None
            raise
