"""The table of all rules."""

from collections import defaultdict

# Each module by its own name: a held process has no package `tests`, only this one within it.
from tests.aws_limits.cloudwatch import RULES as CLOUDWATCH
from tests.aws_limits.dynamodb import RULES as DYNAMODB
from tests.aws_limits.events import RULES as EVENTS
from tests.aws_limits.functions import RULES as FUNCTIONS
from tests.aws_limits.kms import RULES as KMS
from tests.aws_limits.rule import Rule
from tests.aws_limits.s3 import RULES as S3
from tests.aws_limits.sns import RULES as SNS
from tests.aws_limits.sqs import RULES as SQS

RULES: tuple[Rule, ...] = (
    *(*SQS, *DYNAMODB, *S3, *SNS, *EVENTS),
    *(*KMS, *FUNCTIONS, *CLOUDWATCH),
)

BY_NAME = {rule.name: rule for rule in RULES}

BY_CALL: dict[str, list[Rule]] = defaultdict(list)
for _rule in RULES:
    for _call in _rule.calls:
        BY_CALL[_call].append(_rule)
