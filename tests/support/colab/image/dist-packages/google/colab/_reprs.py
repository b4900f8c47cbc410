"""How Colab shows strings, Series, arrays and functions."""

import html
import io
import types

import numpy as np
import PIL.Image
from IPython import get_ipython
from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

INTRINSIC = "application/vnd.google.colaboratory.intrinsic+json"


class _IntrinsicFormatter(BaseFormatter):
    format_type = Unicode(INTRINSIC)
    print_method = ObjectName("_repr_intrinsic_type_")
    _return_type = dict


def register(ipython):
    """What every kernel has from its start."""
    formatters = ipython.display_formatter.formatters
    intrinsic = _IntrinsicFormatter(parent=ipython.display_formatter)
    intrinsic.for_type(str, lambda _: {"type": "string"})
    formatters.setdefault(INTRINSIC, intrinsic)
    formatters["text/html"].for_type_by_name(
        "pandas.core.series", "Series", lambda series: series.to_frame()._repr_html_()
    )


def _picture(array):
    if array.dtype != np.uint8 or array.ndim != 3:
        return None
    with io.BytesIO() as stream:
        PIL.Image.fromarray(array).save(stream, "png")
        return stream.getvalue()


def enable_ndarray_repr():
    """Arrays that could be pictures are shown as such."""
    get_ipython().display_formatter.formatters["image/png"].for_type(np.ndarray, _picture)


def enable_function_repr():
    """Functions are shown with their documentation."""
    get_ipython().display_formatter.formatters["text/html"].for_type(
        types.FunctionType, lambda function: f"<pre>{html.escape(function.__doc__ or function.__qualname__)}</pre>"
    )


def enable_dataframe_metadata_repr():
    """Data frames tell the page their columns."""
    get_ipython().display_formatter.formatters[INTRINSIC].for_type_by_name(
        "pandas.core.frame",
        "DataFrame",
        lambda frame: {"type": "dataframe", "columns": [str(name) for name in frame.columns]},
    )
