"""The order-processing system's own code: everything but the routes, which are in app.py."""
