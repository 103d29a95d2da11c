"""The names by which programs on this machine are called, which listen on 127.0.0.1 only."""

import re

OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OWN_HOST = re.compile(rf"({'|'.join(map(re.escape, OWN_NAMES))})(:[0-9]{{0,5}})?", re.IGNORECASE)


def names_this_machine(host: str) -> bool:
    """
    Tell whether a request's host, with any port, is this machine.

    Another name that leads to 127.0.0.1 would let the page of another site read the answers, as its
    own site's: DNS rebinding.
    """
    return _OWN_HOST.fullmatch(host) is not None
