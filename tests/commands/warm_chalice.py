"""
`chalice`, forked each time from one process that has imported it already.

It imports nothing else: the modules of the project are those of the copy that is packaged.
"""

import gc
import sys

import chalice.deploy.packager
import chalice.package
from chalice.cli import main

from tests.commands.forks import serve

# The first command would import them, and each one after it.
LOADED = (chalice.deploy.packager, chalice.package)

if __name__ == "__main__":
    # The checkout, whose modules are not those of the copy.
    del sys.path[0]
    gc.freeze()
    serve(sys.argv[1])
    sys.path.insert(0, "")
    sys.exit(main())
