"""Schemathesis loads this file by itself: it teaches it the content types that it does not know."""

import schemathesis

# Lines are text. The schema can't say what is in them, so most that it makes up are no orders.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")
