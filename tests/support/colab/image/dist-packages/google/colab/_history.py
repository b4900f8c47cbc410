"""The history, with the page's own id of each cell."""

import json
import time

from IPython.core.history import HistoryManager
from IPython.display import Javascript

# As IPython's own list of inputs, it begins with one that is none.
_cells = [{"code": "", "cell_id": "", "start_time": 0}]


class ColabHistoryManager(HistoryManager):
    """IPython's, and which cell each entry came from."""

    def reset(self, new_session=True):
        """Forgets the cells with the inputs."""
        super().reset(new_session=new_session)
        if new_session:
            del _cells[1:]

    def store_inputs(self, line_num, source, source_raw=None):
        """Notes the cell, too."""
        super().store_inputs(line_num, source, source_raw=source_raw)
        metadata = self.shell.parent_header.get("metadata", {})
        cell_id = metadata.get("colab", {}).get("cell_id")
        _cells.append({"code": source_raw, "cell_id": cell_id, "start_time": time.time()})

    def _executed_cells_as_json(self, include_source_hash=False):
        numbers = {cell["cell_id"]: number for number, cell in enumerate(_cells)}
        if include_source_hash:
            numbers = {name: {"executionCount": number} for name, number in numbers.items()}
        return Javascript(json.dumps(numbers))
