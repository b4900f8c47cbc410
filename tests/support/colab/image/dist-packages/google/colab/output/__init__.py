"""Talking with the page's JavaScript from a cell."""

import contextlib

from IPython.display import HTML, Javascript, clear_output, display

from google.colab import _message
from google.colab.output import _js  # noqa: F401 - the page calls through it
from google.colab.output._js import eval_js, register_callback

__all__ = [
    "clear",
    "disable_custom_widget_manager",
    "enable_custom_widget_manager",
    "eval_js",
    "redirect_to_element",
    "register_callback",
    "serve_kernel_port_as_iframe",
    "use_tags",
]


def clear(wait=False, output_tags=()):
    """Empties the cell's output, or what is marked of it."""
    if output_tags:
        _message.send_request("clear_tagged_outputs", {"outputTags": [output_tags]})
    else:
        clear_output(wait=wait)


@contextlib.contextmanager
def use_tags(tags):
    """Marks what is shown inside, for the page."""
    eval_js(f"google.colab.output.setActiveOutputTags({tags!r})", ignore_result=True)
    yield
    eval_js("google.colab.output.setActiveOutputTags()", ignore_result=True)


@contextlib.contextmanager
def redirect_to_element(selector):
    """What is shown inside appears in an element of the page."""
    eval_js(f"google.colab.output.setActiveOutputArea({selector!r})", ignore_result=True)
    yield
    eval_js("google.colab.output.setActiveOutputArea()", ignore_result=True)


def serve_kernel_port_as_iframe(port, path="/", width="100%", height="400"):
    """Shows what a port of the machine serves."""
    display(Javascript(f"google.colab.kernel.proxyPort({port}, {path!r}, {width!r}, {height!r})"))


def enable_custom_widget_manager():
    """Has the page load third-party widgets."""
    display(HTML('<script data-widget-manager="custom"></script>'), Javascript("window.customWidgets = true"))


def disable_custom_widget_manager():
    """Back to the page's own widgets."""
    display(Javascript("window.customWidgets = false"))
