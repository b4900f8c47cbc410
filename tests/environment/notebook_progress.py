"""Runs in the restored environment: progress shown by a real kernel, as its client receives it."""

from __future__ import annotations

import json
import sys

from jupyter_client.manager import KernelManager

CELL = f"""
import sys, time
sys.path.insert(0, {sys.argv[1]!r})
from bootstrap.console import progress_for, NotebookProgress
from bootstrap.progress import Step
progress = progress_for()
assert isinstance(progress, NotebookProgress), progress
for i in range(3):
    progress.step(Step("fetching", i, 10, bytes_done=i * 10**7, bytes_total=10**8))
    time.sleep(0.3)
progress.step(Step("verifying"))
progress.note("The connection failed. Retrying in 1 s.")
progress.close()
"""

manager = KernelManager(kernel_cmd=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])
manager.start_kernel()
client = manager.client()
client.start_channels()
try:
    client.wait_for_ready(timeout=60)
    seen: list[dict[str, object]] = []
    reply = client.execute_interactive(
        CELL, timeout=60, output_hook=lambda m: seen.append({"type": m["msg_type"], **m["content"]})
    )
    print(json.dumps({"status": reply["content"]["status"], "seen": seen}))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
