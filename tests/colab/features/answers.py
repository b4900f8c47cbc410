"""What of an answer is compared, in a form that is the same whenever the kernel does the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.colab import Message, Result

Answer = dict[str, Any]

# Google's page hears of a command's terminal when it has changed between two looks, or not, if the command was quick.
_BY_CHANCE = {"cell_update_stdin"}
_OF_THE_CELL = {"status", "execute_input", "execute_reply", "stream", "display_data", "execute_result", "error"}
_INSPECTED = (
    "type_name",
    "string_form",
    "definition",
    "docstring",
    "init_definition",
    "ismagic",
    "namespace",
    "argspec",
)
_PACKAGES = (
    r"/usr/local/lib/python3\.\d+/dist-packages",
    r"/opt/conda/lib/python3\.\d+/site-packages",
    r"/opt/conda/share/condacolab-bootstrap/(front|bridge|behind)",
)
_LONG = 700


def normal(text: str) -> str:
    """Without what differs from one process to the next, and without where packages lie."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    text = re.sub(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", "ID", text)
    for folder in _PACKAGES:
        text = re.sub(folder, "PACKAGES", text)
    text = re.sub(r"grep: \S+/drive_fs\.txt: No such file or directory\n?", "", text)  # it comes when it comes
    text = re.sub(r"ipykernel_\d+", "ipykernel_PID", text)
    text = re.sub(r"\b\d[\d.]*(e\+\d+)? (ns|[µm]?s)\b", "TIME", text)
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def of_cell(result: Result) -> Answer:
    """Of a cell: its outcome, its texts, what is shown by its types, and every other message."""
    reply = next((m.content for m in result.messages if m.type == "execute_reply"), {})
    errors = [m.content for m in result.messages if m.type == "error"]
    return {
        "status": result.status,
        "error": (result.error.name, normal(result.error.value)[:300]) if result.error else None,
        "details": [error["error_details"] for error in errors if "error_details" in error],
        "stdout": normal(result.stdout)[:_LONG],
        "stderr": normal(result.stderr)[:_LONG],
        "text": normal(result.text)[:_LONG],
        "shown": [sorted(shown) for shown in result.displays],
        "messages": sorted(others(result.messages)),
        "pages": [
            (page.get("source"), normal(page.get("data", {}).get("text/plain", ""))[:300])
            for page in reply.get("payload", [])
        ],
    }


def others(messages: Iterable[Message]) -> set[tuple[str, str, str]]:
    """Channel, type and type of Colab's request of each message that isn't part of every cell."""
    told = {
        (m.channel, m.type, m.metadata.get("colab_request_type", "")) for m in messages if m.type not in _OF_THE_CELL
    }
    return {message for message in told if message[2] not in _BY_CHANCE}


def of_reply(kind: str, content: dict[str, Any]) -> Any:
    """Of a reply: what a page uses."""
    if kind == "complete_request":
        metadata = normal(json.dumps(content.get("metadata"), sort_keys=True))
        return content["matches"][:12], content["cursor_start"], metadata[:400]
    if kind == "inspect_request":
        told = content["data"].get("application/json", {})
        return content["found"], sorted(told), {name: normal(str(told.get(name)))[:100] for name in _INSPECTED}
    if kind == "comm_info_request":
        return content["status"]
    if kind == "kernel_info_request":
        # The links, too, are Python's own version's.
        return {
            name: content[name] for name in sorted(content) if name not in ("banner", "language_info", "help_links")
        }
    if kind == "history_request":
        return content["status"], len(content["history"])
    if kind == "debug_request":
        return (
            content.get("success"),
            content.get("command"),
            content.get("message"),
            sorted(content.get("body") or ()),
        )
    return content
