"""Seconds to diagnose the original report's seven requirements, beside one plain ``pip install`` of them.

``python -m benchmarks.diagnose``: an environment with numpy 2.0.2 and some that stand on it is made; caches are
filled by one run of each that does not count; then each is run by turns, the installation into a fresh copy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SEVEN = (
    "datasets>=2.16.0,<3.0.0",
    "tokenizers>=0.15.0,<1.0.0",
    "huggingface-hub>=0.20.0,<1.0.0",
    "torchinfo>=1.8.0,<3.0.0",
    "optuna>=3.0.0,<4.0.0",
    "pytest>=7.4.0,<8.0.0",
    "pytest-cov>=4.1.0,<5.0.0",
)
# pip's version, too, as Colab has it: an older one takes twice as long for everything.
INSTALLED = (
    "pip==24.1.2",
    "numpy==2.0.2",
    "pandas==2.2.2",
    "scipy==1.14.1",
    "pyarrow==18.1.0",
    "scikit-learn==1.6.1",
)
QUIET = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def seconds(command: list[str], *, codes: tuple[int, ...] = (0,)) -> float:
    """Wall time of a command that ends with one of these codes."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=QUIET)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def main() -> None:
    """Measures and prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-diagnose-") as scratch:
        folder = Path(scratch)
        environment = folder / "env"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        python = str(environment / "bin/python")
        seconds([python, "-m", "pip", "install", "--quiet", *INSTALLED])
        wanted = folder / "requirements.txt"
        wanted.write_text("\n".join(SEVEN) + "\n", encoding="utf-8")

        def diagnose(resolver: str) -> float:
            asked = [sys.executable, "-m", "bootstrap", "diagnose", str(wanted), "--python", python, "--quiet"]
            return seconds([*asked, "--json", "--resolver", resolver], codes=(0, 3))

        def install() -> float:
            copy = folder / "copy"
            shutil.copytree(environment, copy, symlinks=True)
            try:
                command = [str(copy / "bin/python"), "-m", "pip", "install", "--quiet", "-r", str(wanted)]
                return seconds(command)
            finally:
                shutil.rmtree(copy)

        contenders = {
            "bootstrap diagnose (uv)": lambda: diagnose("uv"),
            "bootstrap diagnose (uv, confirmed by pip)": lambda: diagnose("auto"),
            "bootstrap diagnose (pip)": lambda: diagnose("pip"),
            "pip install": install,
        }
        for run in contenders.values():
            run()
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(args.rounds):
            for name, run in contenders.items():
                times[name].append(run())
    if args.json:
        print(json.dumps(times, indent=2))
        return
    print(f"the report's seven requirements, caches warm, median of {args.rounds} rounds")
    for name, found in times.items():
        print(f"{name:45}{median(found):7.1f} s   ({min(found):.1f} to {max(found):.1f})")


if __name__ == "__main__":
    main()
