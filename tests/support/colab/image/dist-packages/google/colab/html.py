"""Elements whose files a server in the kernel provides: needs portpicker, which is imported with this module only."""

import portpicker

__all__ = ["Element"]


class Element:
    """A custom element of the page."""

    def __init__(self, tag, *, src):
        self.tag = tag
        self.src = src
        self.port = portpicker.pick_unused_port()

    def _repr_html_(self):
        return f'<script src="http://localhost:{self.port}/{self.src}"></script><{self.tag}></{self.tag}>'
