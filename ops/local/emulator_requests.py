"""
Requests to the emulator: whether one may have changed something.

On the standard library only: the emulator's own environment reads them.
"""

import re
from collections.abc import MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]

# Answers that change nothing: of S3 by their method, of the others by the action's first word.
READING_METHODS = {"GET", "HEAD"}
READING_ACTIONS = re.compile(rb"\w+\.(BatchGet|Describe|Get|List|Query|Scan)\w*")
# An empty answer to ReceiveMessage. The next one comes soon: the worker asks all the time.
RECEIVING = b"AmazonSQS.ReceiveMessage"
NO_MESSAGES_BYTES = 32


def changes(scope: Scope, answered_bytes: int) -> bool:
    """Tell whether a request may have changed something."""
    action = dict(scope["headers"]).get(b"x-amz-target", b"")
    if action == RECEIVING:
        return answered_bytes > NO_MESSAGES_BYTES
    if action:
        return READING_ACTIONS.match(action) is None
    return scope["method"] not in READING_METHODS
