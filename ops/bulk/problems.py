"""Reasons why a file of orders can't be handed in, or not further."""


class SubmissionProblem(Exception):
    """A file can't be handed in; the message says why."""


class FileBusy(SubmissionProblem):
    """Another process hands this very file in."""


class FileChanged(SubmissionProblem):
    """The file is not the one that was begun: only a new run, with another key, can take it."""


class NotAsLeft(SubmissionProblem):
    """The files beside it are not as the last run left them: only a new run can take it."""


class BegunByAnother(SubmissionProblem):
    """Handed in by another caller, or on another stage, its lines would be other submissions."""


class StoppedShort(SubmissionProblem):
    """The API does not take the lines now. Run again, the file goes on where it was."""
