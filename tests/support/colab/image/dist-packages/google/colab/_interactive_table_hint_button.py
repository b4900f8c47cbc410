"""The button below each data frame that makes an interactive table of it."""

import uuid

from google.colab import data_table, output

_last = {}


def _get_last_dataframe_key():
    return next(iter(_last), None)


def _convert(key):
    frame = _last.pop(key, None)
    if frame is None:
        print("Error: that data frame is gone; run its cell again.")
        return None
    return data_table.DataTable(frame)


def _with_button(frame):
    key = f"df-{uuid.uuid4()}"
    _last.clear()
    _last[key] = frame.copy(deep=False)
    output.register_callback("convertToInteractive", _convert)
    button = f"<button onclick=\"google.colab.kernel.invokeFunction('convertToInteractive', ['{key}'], {{}})\">"
    return f'<div id="{key}" class="colab-df-container">{frame._repr_html_()}{button}table</button></div>'


def register(ipython):
    """For the class by its module's name, so that pandas isn't imported for it."""
    ipython.display_formatter.formatters["text/html"].for_type_by_name("pandas.core.frame", "DataFrame", _with_button)
