"""Data frames as interactive tables. Brings numpy into every kernel before its first cell, as Colab's does."""

import html
import json

import numpy as np
from IPython import get_ipython
from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

__all__ = ["DataTable", "disable_dataframe_formatter", "enable_dataframe_formatter"]

MIMETYPE = "application/vnd.google.colaboratory.module+javascript"


class _Formatter(BaseFormatter):
    format_type = Unicode(MIMETYPE)
    print_method = ObjectName("_repr_javascript_module_")


class DataTable:
    """A table that the page sorts and filters."""

    max_rows = 20000

    def __init__(self, dataframe, num_rows_per_page=25):
        self._dataframe = dataframe
        self._num_rows_per_page = num_rows_per_page

    def _repr_javascript_module_(self):
        frame = self._dataframe.iloc[: self.max_rows].reset_index()
        cells = [[html.escape(str(cell)) for cell in row] for row in np.asarray(frame, dtype=object)]
        table = {"data": cells, "columns": [str(name) for name in frame.columns]}
        return f"window.createDataTable({json.dumps({**table, 'rowsPerPage': self._num_rows_per_page})});"

    def _repr_html_(self):
        return self._dataframe._repr_html_()


def enable_dataframe_formatter():
    """Every data frame that a cell shows becomes a table."""
    formatter = get_ipython().display_formatter
    table = formatter.formatters.setdefault(MIMETYPE, _Formatter(parent=formatter))
    table.for_type_by_name(
        "pandas.core.frame", "DataFrame", lambda frame: DataTable(frame)._repr_javascript_module_()
    )


def disable_dataframe_formatter():
    """Back to plain HTML."""
    get_ipython().display_formatter.formatters[MIMETYPE].pop("pandas.core.frame.DataFrame", None)
