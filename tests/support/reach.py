"""Can conda-forge be reached from here?"""

from __future__ import annotations

import urllib.request

CONDA_FORGE = "https://conda.anaconda.org/conda-forge"


def conda_forge_answers(channel: str = CONDA_FORGE, *, seconds: float = 5.0) -> bool:
    """Whether the channel serves its repodata, asked without fetching it."""
    request = urllib.request.Request(f"{channel}/noarch/repodata.json.zst", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
