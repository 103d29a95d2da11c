"""Names of stages and of the stacks that a stage is made of."""

LOCAL_STAGE = "local"


def resources_stack_name(stage: str) -> str:
    """Name the stack that holds a stage's data."""
    return f"orders-resources-{stage}"


def app_stack_name(stage: str) -> str:
    """Name the stack that runs a stage."""
    return f"orders-app-{stage}"
