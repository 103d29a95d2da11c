"""DynamoDB's calls, in the groups that rules are about, and the pages of its guide."""

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
REFERENCE = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference"
CONSTRAINTS = f"{GUIDE}/Constraints.html"
BATCHING = f"{GUIDE}/ql-reference.multiplestatements.batching.html"
REFUSED = "ValidationException"

BATCHED_STATEMENTS = ("dynamodb.BatchExecuteStatement",)
BATCHES = ("dynamodb.BatchGetItem",)
WRITING = ("dynamodb.PutItem", *BATCHED_STATEMENTS)
KEYED = (*(f"dynamodb.{name}" for name in ("GetItem", "UpdateItem", "DeleteItem")), *BATCHES)
QUERIES = ("dynamodb.Query", "dynamodb.Scan")
ALL = (*dict.fromkeys((*WRITING, *KEYED, *QUERIES)),)
