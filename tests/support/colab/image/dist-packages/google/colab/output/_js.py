"""Functions of the page that a cell calls, and functions of a cell that the page calls."""

import json

from IPython import get_ipython

from google.colab import _message

_callbacks = {}


def eval_js(script, ignore_result=False, timeout_sec=None):
    """Has the page evaluate a script; returns its result."""
    request = _message.send_request(
        "cell_javascript_eval", {"script": script}, parent=get_ipython().kernel.get_parent("shell")
    )
    return None if ignore_result else _message.read_reply_from_input(request, timeout_sec)


def register_callback(function_name, callback):
    """Makes a function callable from the page."""
    _callbacks[function_name] = callback


def _invoke_function(function_name, json_args, json_kwargs):
    if function_name not in _callbacks:
        raise ValueError(f"Function not found: {function_name}")
    return _callbacks[function_name](*json.loads(json_args), **json.loads(json_kwargs))
