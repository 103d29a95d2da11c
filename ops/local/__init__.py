"""The whole system on one machine: an AWS emulator, the resources, the HTTP API and the worker."""
