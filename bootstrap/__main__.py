"""``python -m bootstrap``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with its code."""
    from bootstrap.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
