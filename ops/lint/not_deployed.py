"""The one way in which a stage can't be looked at though AWS answers."""


class NotDeployed(Exception):
    """There is no such stage in this account and region: the message says what to type."""
