"""Widgets of Colab's own."""

import contextlib
import uuid

import anywidget
import ipywidgets
import traitlets
from IPython.display import HTML, display

from google.colab import output

__all__ = ["InteractiveTable", "TabBar"]


class InteractiveTable(anywidget.AnyWidget):
    """A table in the page that asks the kernel for its rows."""

    _esm = "export default { render({ model, el }) { el.textContent = model.get('rows'); } };"
    rows = traitlets.Int(0).tag(sync=True)

    def __init__(self, df):
        super().__init__(rows=len(df), layout=ipywidgets.Layout())


class TabBar:
    """Outputs side by side, one shown at a time."""

    def __init__(self, titles):
        self._elements = {title: f"id_{uuid.uuid4().hex}" for title in titles}
        display(HTML("".join(f'<div id="{element}">{title}</div>' for title, element in self._elements.items())))

    @contextlib.contextmanager
    def output_to(self, tab):
        """What is shown inside goes to a tab, by title or number."""
        titles = list(self._elements)
        with output.redirect_to_element(f"#{self._elements[titles[tab] if isinstance(tab, int) else tab]}"):
            yield
