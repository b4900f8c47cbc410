"""Talking with the page's JavaScript from a cell."""

import contextlib
import json

from IPython import get_ipython
from IPython.display import HTML, Javascript, clear_output, display

from google.colab import _message

__all__ = ["clear", "enable_custom_widget_manager", "eval_js", "register_callback", "use_tags"]

_callbacks = {}


def eval_js(script, ignore_result=False):
    """Has the page evaluate a script; returns its result."""
    request = _message.send_request(
        "cell_javascript_eval", {"script": script}, parent=get_ipython().kernel.get_parent("shell")
    )
    return None if ignore_result else _message.read_reply_from_input(request)


def register_callback(function_name, callback):
    """Makes a function callable from the page."""
    _callbacks[function_name] = callback


def _invoke_function(function_name, json_args, json_kwargs):
    if function_name not in _callbacks:
        raise ValueError(f"Function not found: {function_name}")
    return _callbacks[function_name](*json.loads(json_args), **json.loads(json_kwargs))


def clear(wait=False):
    """Empties the cell's output."""
    clear_output(wait=wait)


@contextlib.contextmanager
def use_tags(tags):
    """Marks what is shown inside, for the page."""
    yield


def enable_custom_widget_manager():
    """Has the page load third-party widgets."""
    display(HTML('<script data-widget-manager="custom"></script>'), Javascript("window.customWidgets = true"))
