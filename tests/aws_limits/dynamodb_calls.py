"""DynamoDB's calls, in the groups that rules are about, and the pages of its guide."""

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
REFERENCE = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference"
CONSTRAINTS = f"{GUIDE}/Constraints.html"
BATCHING = f"{GUIDE}/ql-reference.multiplestatements.batching.html"
REFUSED = "ValidationException"

MOST_OF_BATCH = {
    "BatchWriteItem": 25,
    "BatchGetItem": 100,
    "TransactWriteItems": 100,
    "TransactGetItems": 100,
}

STATEMENTS = tuple(
    f"dynamodb.{name}"
    for name in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
)
BATCHED_STATEMENTS = ("dynamodb.BatchExecuteStatement",)
BATCHES = tuple(f"dynamodb.{name}" for name in MOST_OF_BATCH)
WRITING = ("dynamodb.PutItem", *BATCHES, *STATEMENTS)
KEYED = (*(f"dynamodb.{name}" for name in ("GetItem", "UpdateItem", "DeleteItem")), *BATCHES)
QUERIES = ("dynamodb.Query", "dynamodb.Scan")
ALL = (*dict.fromkeys((*WRITING, *KEYED, *QUERIES)),)
