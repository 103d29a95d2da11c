"""The adapters, by AWS service, and the clients that they call."""
