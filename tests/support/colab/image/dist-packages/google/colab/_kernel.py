"""Colab's kernel class: ipykernel's with Colab's shell, and answers to the page that carry more."""

from ipykernel import ipkernel, jsonutil
from IPython.utils import tokenutil

from google.colab import _shell


class Kernel(ipkernel.IPythonKernel):
    """The class that the launcher starts."""

    def _shell_class_default(self):
        return _shell.Shell

    def do_inspect(self, code, cursor_pos, detail_level=0, *_args, **_kwargs):
        """All that is known of the name at the cursor, for the page to lay out."""
        info = self.shell.object_inspect(tokenutil.token_at_cursor(code, cursor_pos))
        data = {"application/json": info} if info["found"] else {}
        return {"status": "ok", "found": info["found"], "data": data, "metadata": {}}

    def complete_request(self, stream, ident, parent):
        """With the kind of each match, where the page asks for it."""
        content = parent["content"]
        matches = self.do_complete(content["code"], content["cursor_pos"])
        if parent.get("metadata", {}).get("colab_options", {}).get("include_colab_metadata"):
            del matches["matches"][100:]
            kinds = [{"type_name": self.shell.object_inspect(match)["type_name"]} for match in matches["matches"]]
            matches["metadata"] = {"colab_types_experimental": kinds}
        self.session.send(stream, "complete_reply", jsonutil.json_clean(matches), parent, ident)
