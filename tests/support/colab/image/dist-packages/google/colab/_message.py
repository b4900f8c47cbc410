"""Requests to the page: sent on iopub, answered on the input channel."""

import time
import uuid

import zmq
from ipykernel import kernelapp

from google.colab import errors


class MessageError(errors.Error):
    """The page answered with an error."""


def send_request(request_type, request_body, parent=None):
    """Asks the page for something; returns the request's id."""
    application = kernelapp.IPKernelApp.instance()
    request_id = str(uuid.uuid4())
    message = application.session.msg(
        "colab_request",
        content={"request": request_body},
        metadata={"colab_msg_id": request_id, "colab_request_type": request_type},
        parent=parent or application.kernel.shell.parent_header,
    )
    application.session.send(application.iopub_socket, message)
    return request_id


def _received():
    """What came on the input channel, if anything."""
    kernel = kernelapp.IPKernelApp.instance().kernel
    try:
        _, reply = kernel.session.recv(kernel.stdin_socket, zmq.NOBLOCK)
    except (ValueError, zmq.ZMQError):
        reply = None
    return reply["content"].get("value") if reply else None


def typed():
    """Text that came on the input channel without being asked for; empty where none did."""
    value = _received()
    return value if isinstance(value, str) else ""


def read_reply_from_input(request_id, timeout_sec=None):
    """Waits for the answer to one request; anything else on the input channel is dropped."""
    deadline = time.monotonic() + timeout_sec if timeout_sec else None
    while deadline is None or time.monotonic() < deadline:
        value = _received()
        if value is None:
            time.sleep(0.025)
        elif isinstance(value, dict) and (value.get("type"), value.get("colab_msg_id")) == (
            "colab_reply",
            request_id,
        ):
            if "error" in value:
                raise MessageError(value["error"])
            return value.get("data")
    return None


def blocking_request(request_type, request="", timeout_sec=5, parent=None):
    """A request and its answer; None where none comes in time."""
    return read_reply_from_input(send_request(request_type, request, parent=parent), timeout_sec)
