"""Asks a kernel all of the questions, as a page that answers it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from tests.support.colab.client import SILENT

from .answers import Answer, normal, of_cell, of_reply, others
from .questions import ANOTHER_NUMPY, CELLS, DEBUGGING, HISTORY, PRELUDE, REQUESTS, SCENES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.colab import Kernel

    from .questions import Request

_SECONDS = 90.0
"""For one answer, on a machine that does other things, too. One that comes later is lost."""


def ask(kernel: Kernel) -> dict[str, Answer]:
    """The kernel's answer to each question, by the question's name."""
    kernel.answers.update(_page())
    kernel.execute("!rm -f /content/u*.txt /tmp/s.py", _SECONDS).require()
    found = {cell.name: of_cell(kernel.execute(cell.code, _SECONDS)) for cell in CELLS}
    kernel.execute(PRELUDE, _SECONDS).require()
    found |= {request.name: _asked(kernel, request) for request in REQUESTS}
    for scene in SCENES:
        kernel.inputs.clear()
        found[scene.name] = of_cell(kernel.execute(scene.code, _SECONDS, inputs=scene.inputs))
    found |= {name: scene(kernel) for name, scene in _SCENES.items()}
    found[ANOTHER_NUMPY.name] = of_cell(kernel.execute(ANOTHER_NUMPY.code, _SECONDS))
    return found | {request.name: _asked(kernel, request) for request in DEBUGGING}


def _page() -> dict[str, Callable[[Any], Any]]:
    """A page that answers what `google.colab` asks of it."""
    uploading = iter(
        [
            {"action": "x"},
            {"action": "append", "file": "u.txt", "data": "aGVsbG8="},
            {"action": "complete"},
        ]
    )

    def evaluate(request: dict[str, Any]) -> Any:
        script = request["script"]
        if "_uploadFiles" in script:
            return next(uploading, {"action": "complete"})
        return {"1+1": 2, "never": SILENT}.get(script)

    def secret(request: dict[str, Any]) -> Any:
        key = request["key"]
        return {"exists": key != "NONE", "access": key != "NOACC", "payload": "s3cret"}

    return {
        "GetSecret": secret,
        "cell_javascript_eval": evaluate,
        "request_auth": lambda _: None,
        "register_snippets": lambda _: None,
    }


def _asked(kernel: Kernel, request: Request) -> Answer:
    sent = kernel.request(request.kind, request.content, channel=request.channel, metadata=request.metadata)
    return {"reply": of_reply(request.kind, kernel.reply(sent, _SECONDS).content)}


def _interrupted(kernel: Kernel) -> Answer:
    sent = kernel.send("import time; print('now', flush=True); time.sleep(60)")
    assert kernel.wait(lambda: "now" in kernel.result(sent).stdout, _SECONDS)
    kernel.interrupt()
    return of_cell(kernel.collect([sent], 30)[0])


def _typed(kernel: Kernel) -> Answer:
    """What is typed while a command runs, which asks for nothing."""
    sent = kernel.send("!echo begun; read x; echo got $x")
    assert kernel.wait(lambda: "begun" in kernel.result(sent).stdout, _SECONDS)
    time.sleep(0.5)
    kernel.request("input_reply", {"value": "typed\n"}, channel="stdin")
    return of_cell(kernel.collect([sent], 10)[0])


def _downloaded(kernel: Kernel) -> Answer:
    shown = kernel.execute(
        "from google.colab import files; files.download('/content/sample_data/README.md')", _SECONDS
    )
    match = re.search(r"download_[0-9a-f-]+", "".join(d.get("application/javascript", "") for d in shown.displays))
    if match is None:
        return of_cell(shown)
    name = f"c-{match[0]}"
    kernel.request("comm_open", {"comm_id": name, "target_name": match[0], "data": {}})
    for _ in range(2):
        kernel.request("comm_msg", {"comm_id": name, "data": {}})

    def mine(kind: str) -> list[Any]:
        return [m for m in kernel.messages if m.type == kind and m.content["comm_id"] == name]

    kernel.wait(lambda: bool(mine("comm_close")), 20)
    return {**of_cell(shown), "bytes": sum(len(b) for m in mine("comm_msg") for b in m.buffers)}


def _slid(kernel: Kernel) -> Answer:
    """A slider of the page is moved."""
    code = "import ipywidgets as w\ns = w.IntSlider(3)\ns.observe(lambda c: print('changed', c['new']), 'value')\n"
    shown = kernel.execute(f"{code}display(s); print(s.comm.comm_id)", _SECONDS)
    if not shown.stdout:
        return of_cell(shown)
    moved = {"method": "update", "state": {"value": 8}}
    sent = kernel.request("comm_msg", {"comm_id": shown.stdout.split()[-1], "data": moved})
    value = kernel.execute("print(s.value)", _SECONDS)
    heard = kernel.result(sent)
    return {**of_cell(shown), "value": value.stdout, "heard": heard.stdout, "told": sorted(others(heard.messages))}


def _history(kernel: Kernel) -> Answer:
    reply = kernel.reply(kernel.request("execute_request", HISTORY), _SECONDS).content
    told = reply["user_expressions"]
    return {"a": told["a"], "b": sorted(told["b"].get("data", told["b"])), "c": normal(str(told["c"].get("evalue")))}


_SCENES: dict[str, Callable[[Kernel], Answer]] = {
    "interrupt py": _interrupted,
    "interrupt after": lambda kernel: of_cell(kernel.execute("1+1", _SECONDS)),
    "! stdin": _typed,
    "download": _downloaded,
    "slider": _slid,
    "user_expressions": _history,
}
