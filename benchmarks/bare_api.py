"""
A bare Chalice app on our local server: the cost of a request before any code of ours.

    python -m benchmarks.bare_api PORT
"""

import sys

from chalice.app import Chalice

from ops.local.api_server import ApiServer

app = Chalice(app_name="bare", configure_logs=False)


@app.route("/orders", methods=["POST"])
def submit() -> dict[str, str]:
    return {"status": "QUEUED"}


@app.route("/orders/{order_id}", methods=["GET"])
def get(order_id: str) -> dict[str, str]:
    return {"order": order_id}


if __name__ == "__main__":
    ApiServer(app, int(sys.argv[1])).run()
