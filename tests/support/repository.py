"""Where the repository is published: pyproject.toml is the one place that says so."""

from __future__ import annotations

import re

from tests.support import ROOT

URL = re.findall(r'^Repository = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[0]
"""``https://github.com/OWNER/NAME``."""
