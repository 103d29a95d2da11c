"""The packaged app on Lambda's own runtime, under AWS's runtime interface emulator."""
