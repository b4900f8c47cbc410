"""A hook of MkDocs: pages that mkdocs.yml names and that are not written yet are left out of the navigation."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Called by MkDocs before it builds."""
    config["nav"] = _present(config["nav"], Path(config["docs_dir"]))
    return config


def _present(entries: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        [(title, content)] = entry.items()
        if isinstance(content, list):
            if pages := _present(content, folder):
                kept.append({title: pages})
        elif (folder / content).is_file():
            kept.append(entry)
    return kept
