"""
A console whose operator lacks rights: run as a process, since NiceGUI has one set of pages in each.

Its arguments are the port of the stage's AWS endpoint, its own port, and the role whose rights the
operator has. The emulator checks none: the calls that the role's policy does not grant are refused
here, before they are made, in AWS's words.
"""

import sys

from ops.console.console import Console
from ops.console.server import run_console
from ops.desk.desk import Desk
from ops.desk.stage import connect
from ops.roles.rights import Role
from tests.e2e.console.failing import say_ready
from tests.roles import listen, refusing

if __name__ == "__main__":
    aws_port, port, role = int(sys.argv[1]), int(sys.argv[2]), Role(sys.argv[3])
    desk = Desk(connect(aws_port=aws_port))
    listen(desk.stage.session, refusing(role, desk), "us-east-1:000000000000")
    run_console(Console(desk), port, say_ready)
