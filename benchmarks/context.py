"""Lambda's second argument. It has a module of its own, since cold starts import it."""


class Context:
    """The parts of it that Powertools and this system read."""

    function_name = "orders"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:orders"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000
