"""The failures that the services know: a call to AWS failed."""


class StoreUnavailable(Exception):
    """
    A queue, a bucket or a table could not be reached, or refused: try again later.

    Nothing is known to be written, but it may be: a time-out can hide a success. The message names
    the operation and AWS's error code, and quotes nothing of the call.
    """


class StoreConflict(StoreUnavailable):
    """A conditional write met another one at work: nothing is written; try again at once."""
