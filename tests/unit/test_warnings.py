"""Warnings of a deployment: each is shown once, and at the end."""

import pytest

from ops.deploy.presentation import Screen


def test_a_warning_is_shown_once_and_after_all_that_scrolls(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen()

    screen.warn("the runtime ends")
    screen.warn(None)
    screen.say("Stack orders-app-dev, to be created:")
    screen.show_warnings()
    screen.show_warnings()

    assert capsys.readouterr().out == (
        "Stack orders-app-dev, to be created:\nWarning: the runtime ends\n"
    )
