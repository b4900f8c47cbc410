"""Files to and from the user's own computer, through the page."""

import base64
import json
import os
import uuid

from IPython import get_ipython
from IPython.display import HTML, Javascript, display

from google.colab import output

__all__ = ["download", "upload", "upload_file", "view"]


def upload():
    """Has the user choose files; writes them to the working folder; returns name and content of each."""
    marker = f"files-{uuid.uuid4()}"
    display(HTML(f'<input type="file" id="{marker}" name="files[]" multiple>'))
    answer = output.eval_js(f'google.colab._files._uploadFiles("{marker}", "result-{marker}")')
    received = {}
    while answer["action"] != "complete":
        answer = output.eval_js(f'google.colab._files._uploadFilesContinue("result-{marker}")')
        if answer["action"] == "append":
            received[answer["file"]] = received.get(answer["file"], b"") + base64.b64decode(answer["data"])
    for name, content in received.items():
        print(f"Saving {name} to {name}")
        with open(name, "wb") as stream:
            stream.write(content)
    return received


def upload_file(filename):
    """Has the user choose one file and writes it under this name."""
    received = upload()
    if len(received) != 1:
        raise ValueError("Please upload a single file")
    os.replace(next(iter(received)), filename)


def download(filename):
    """Sends a file to the page, piece by piece over a comm that the page opens."""
    if not os.path.exists(filename):
        raise FileNotFoundError(f"Cannot find file: {filename}")
    manager = get_ipython().kernel.comm_manager
    target = f"download_{uuid.uuid4()}"

    def opened(comm, _):
        stream = open(filename, "rb")  # noqa: SIM115 - closed with the comm

        def asked(_):
            piece = stream.read(1 << 20)
            if piece:
                comm.send({}, None, [piece])
            else:
                comm.close()
                stream.close()
                manager.unregister_target(target, opened)

        comm.on_msg(asked)

    manager.register_target(target, opened)
    arguments = (target, os.path.basename(filename), os.path.getsize(filename))
    display(Javascript(f"download({', '.join(map(json.dumps, arguments))})"))


def view(filepath):
    """Shows a file in the page's viewer."""
    if not os.path.exists(filepath):
        raise FileNotFoundError(f"Cannot find file: {filepath}")
    display(Javascript(f"google.colab.files.view({json.dumps(os.path.abspath(filepath))})"))
