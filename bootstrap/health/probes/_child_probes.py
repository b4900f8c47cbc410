"""Runs probes in the examined Python: ``python -I -B child.py REQUEST``, answers on a pipe of its own.

The request is a JSON object: ``fd`` (where to answer), ``token`` (opens every answer, so that nothing a
broken package writes into that descriptor can pass for one), ``probes`` (a list of objects with ``name``,
``modules`` to import, else the probe of that name is asked, and ``given``: facts to begin with), ``paths``
(folders to append to ``sys.path``, where ``-S`` keeps site away).

Each probe's answer is one line, a JSON object; an empty one comes first. The first probe without one has died.
"""

from __future__ import annotations

import sys
import time


def _load_package(folder: str) -> None:
    """Make the modules beside this file importable as ``_probes``, without touching ``sys.path``."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "_probes", folder + "/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None  # noqa: S101 - given a .py file, there is one
    module = importlib.util.module_from_spec(spec)
    sys.modules["_probes"] = module
    spec.loader.exec_module(module)


def _harden() -> None:
    """Leave no core file behind, and be the first to go when memory runs out."""
    import faulthandler
    import resource

    faulthandler.enable(file=2, all_threads=False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def main(request_text: str) -> None:
    """Run what the request asks for, then leave without the interpreter's shutdown."""
    import importlib
    import json
    import os
    import traceback

    request = json.loads(request_text)
    # Bound before anything under test is imported: a package may replace what it likes afterwards.
    write, dumps, leave, clock = os.write, json.dumps, os._exit, time.perf_counter
    format_exception = traceback.format_exception
    descriptor, token = request["fd"], request["token"]

    def send(**message: object) -> None:
        data = ("\n" + token + dumps(message, default=str) + "\n").encode()
        while data:
            data = data[write(descriptor, data) :]

    _harden()
    _load_package(os.path.dirname(os.path.abspath(__file__)))
    registry = importlib.import_module("_probes.registry").PROBES
    load = importlib.import_module("_probes.imports").load
    sys.path.extend(path for path in request["paths"] if path not in sys.path)
    # What the interpreter needs to start is not the probes' cost; the parent's clock for them starts here.
    send()

    for item in request["probes"]:
        name = item["name"]
        began = clock()
        facts: dict[str, object] = item["given"]
        problems: list[str] = []
        outcome = "pass"
        try:
            if item["modules"]:
                problems += load(item["modules"], facts)
            else:
                entry = registry[name]
                needed = [module for module in (entry.needs, entry.also) if module]
                if entry.also and importlib.util.find_spec(entry.also) is None:
                    outcome = "skip"
                else:
                    modules = [importlib.import_module(module) for module in needed]
                    for line in entry.function(modules[0] if modules else None, facts):
                        problems.append(line)
        except BaseException as error:
            lines = "".join(format_exception(type(error), error, error.__traceback__)).splitlines()
            problems.append(type(error).__name__ + ": " + str(error).strip())
            facts["traceback"] = lines[-40:]
        if problems:
            outcome = "fail"
        send(
            name=name,
            outcome=outcome,
            problems=problems[:20],
            facts=facts,
            seconds=clock() - began,
        )
    leave(0)


if __name__ == "__main__":
    main(sys.argv[1])
