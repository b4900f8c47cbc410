"""The warning with a restart button that Colab's page shows when pip changed a loaded package."""

import importlib.metadata
import re
import sys
import uuid

from IPython.display import publish_display_data

MIMETYPE = "application/vnd.colab-display-data+json"


def is_pip_install_command(command):
    """Whether a ``!`` line installs with pip."""
    return re.match(r"pip[23]?\s+install\b", command.strip()) is not None


def print_previous_import_warning(output):
    """Names the loaded packages among those in pip's closing line, which ``-q`` suppresses."""
    loaded = set()
    for line in re.findall(r"^(?:\x1b\[0m)?\s*Successfully installed (.*)$", output, re.MULTILINE):
        for release in line.split():
            name = importlib.metadata.metadata(release.rpartition("-")[0])["Name"]
            if name in sys.modules:
                loaded.add(name)
    if loaded:
        warning = {"pip_warning": {"packages": sorted(loaded)}, "id": uuid.uuid4().hex}
        publish_display_data({MIMETYPE: warning})
