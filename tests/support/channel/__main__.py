"""Command line: ``python -m tests.support.channel build|path|serve|clean``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .build import clean, ensure_channel
from .target import ChannelError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.channel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("build", "build the channel and print its file URL"),
        ("path", "print the channel's folder, building it first if need be"),
        ("serve", "serve the channel over http on loopback until interrupted"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--spec", type=Path, help="another environment.yml")
        if name == "serve":
            command.add_argument("--port", type=int, default=0, help="by default a free one")
    commands.add_parser("clean", help="remove everything that was downloaded and built")
    options = parser.parse_args()
    if options.command == "clean":
        clean()
        return 0
    try:
        channel = ensure_channel(options.spec, quiet=False)
    except ChannelError as error:
        print(f"channel: {error}", file=sys.stderr)
        return 1
    if options.command != "serve":
        print(channel.file_url if options.command == "build" else channel.path)
        return 0
    from .server import serve

    with serve(channel.path, port=options.port) as server:
        print(server.url, flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
