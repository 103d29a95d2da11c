"""The operators' console: a web page on their own machine, over the services of ops.desk."""

DEFAULT_PORT = 8001
