"""`python -m ops`, typed two days from now: what a day holds can be sealed once it is over."""

from datetime import timedelta

from chalicelib.orders.times import now
from ops.cli.commands import main
from ops.desk.desk import Desk
from ops.desk.stage import connect

if __name__ == "__main__":
    main(
        prog_name="python -m ops",
        obj=lambda stage, aws_port: Desk(
            connect(stage, aws_port=aws_port), lambda: now() + timedelta(days=2)
        ),
    )
