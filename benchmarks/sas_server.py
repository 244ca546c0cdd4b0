"""
A real server of the SAS benchmark: a process of its own, on the loopback, told to stop at the end.

Its clock is the territory's hour and what has really passed since the file's start.
"""

import argparse
import hashlib
import sys
from datetime import datetime, timedelta
from time import monotonic

from slotengine import serving
from slotengine.engine import Engine
from slotengine.serving_auth import ApiKeys

KEY = "the key of the benchmark, known to its two processes"


def main(arguments: list[str] | None = None) -> int:
    """Serves until it is told to stop; prints the port that it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", required=True)
    parser.add_argument("--at", required=True, type=datetime.fromisoformat)
    parser.add_argument("--began", required=True, type=float)
    given = parser.parse_args(arguments)
    keys = ApiKeys([("benchmark", hashlib.sha256(KEY.encode()).hexdigest())])

    def now() -> datetime:
        at: datetime = given.at + timedelta(seconds=monotonic() - given.began)
        return at

    with Engine.open(given.db) as engine:
        application = serving.app(engine, now=now, authenticate=keys)
        server = serving.server(application, host="127.0.0.1", port=0, authenticated=True)
        # Bound before it is told, so that the client finds it.
        socket = server.config.bind_socket()
        sys.stdout.write(f"{socket.getsockname()[1]}\n")
        sys.stdout.flush()
        server.run([socket])
    return 0


if __name__ == "__main__":
    sys.exit(main())
