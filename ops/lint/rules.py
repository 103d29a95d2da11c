"""All rules: pairs of settings that must agree, and AWS's recommendations."""

from ops.lint.events_rule import EVENTS_RULES
from ops.lint.key_rule import KEY_RULES
from ops.lint.lock_rule import LOCK_RULES
from ops.lint.mapping_rules import MAPPING_RULES
from ops.lint.names_rule import NAMES_RULES
from ops.lint.principals_rule import PRINCIPALS_RULES
from ops.lint.queue_rules import QUEUE_RULES
from ops.lint.seals_rule import SEALS_RULES
from ops.lint.stage_rules import STAGE_RULES
from ops.lint.tracing_rule import TRACING_RULES

RULES = (
    *QUEUE_RULES,
    *MAPPING_RULES,
    *STAGE_RULES,
    *TRACING_RULES,
    *KEY_RULES,
    *LOCK_RULES,
    *NAMES_RULES,
    *PRINCIPALS_RULES,
    *SEALS_RULES,
    *EVENTS_RULES,
)
