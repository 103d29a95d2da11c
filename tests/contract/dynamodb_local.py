"""DynamoDB Local, AWS's own engine of DynamoDB, as a child process."""

import os
import shutil
from pathlib import Path

from ops.local.environment import without_aws_settings
from tests.aws_parts import DYNAMODB_LOCAL_DIRECTORY, DYNAMODB_LOCAL_JAR
from tests.contract.server import Server

CONFIGURATION = Path(__file__).with_suffix(".xml").resolve()


class DynamoDBLocal(Server):
    """
    It keeps everything in memory, and has no S3 and no SQS.

    Its own main program listens on every interface. So Jetty, its web server, builds it from
    dynamodb_local.xml, which names the interface; and nothing is sent to AWS about its use.
    """

    def __init__(self, directory: Path, heap: str = "512m", *, compile_fully: bool = False) -> None:
        """
        `heap` is the most memory that Java's own objects get; the records are kept beside it.

        To compile fully takes more CPU than tests ever get back: they need half without it.
        """
        libraries = DYNAMODB_LOCAL_DIRECTORY / "DynamoDBLocal_lib"
        compiler = () if compile_fully else ("-XX:TieredStopAtLevel=1",)
        super().__init__(
            "dynamodb-local",
            lambda port: [
                *(shutil.which("java") or "java", f"-Xmx{heap}", "-XX:+UseSerialGC"),
                *compiler,
                f"-Djava.library.path={libraries}",
                *("-cp", f"{DYNAMODB_LOCAL_JAR}{os.pathsep}{libraries}{os.sep}*"),
                *("org.eclipse.jetty.xml.XmlConfiguration", f"port={port}", str(CONFIGURATION)),
            ],
            environment=without_aws_settings({}),
            directory=directory,
        )
