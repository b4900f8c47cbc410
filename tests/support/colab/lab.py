"""JupyterLab on the stand-in, in a real browser: opens a notebook, runs all cells, and tells what the page showed."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.wait import WebDriverWait

from .browser import browser, ensure_browser
from .client import read_whole
from .layers import lab_folder
from .pythons import find_python
from .server import Kernel, Server

if TYPE_CHECKING:
    from typing import Self

    from selenium.webdriver.chrome.webdriver import WebDriver

    from .machine import ColabRoot

_PROGRAM = "import sys; sys.path.append('/srv'); from jupyterlab.labapp import main; main()"

_FIND = (
    "const panel = Array.from(window.jupyterapp?.shell?.widgets('main') ?? []).find(w => w.content?.model?.cells);"
)

# Runs in the page. Notes every dialog, with the last it said, and every state of the kernel, however short.
_WATCH = f"""{_FIND}
window.seen = {{dialogs: new Map(), states: []}};
panel.sessionContext.statusChanged.connect((_, state) => window.seen.states.push(state));
new MutationObserver(() => {{
    for (const dialog of document.querySelectorAll('.jp-Dialog')) {{
        window.seen.dialogs.set(dialog, dialog.innerText.trim());
    }}
}}).observe(document.body, {{childList: true, subtree: true, characterData: true}});
"""

_READ = f"""{_FIND}
const cells = Array.from(panel.content.model.cells).filter(cell => cell.type === 'code');
return {{
    cells: cells.map(cell => ({{
        source: cell.sharedModel.getSource(),
        execution_count: cell.executionCount,
        state: cell.executionState,
        outputs: cell.outputs.toJSON(),
    }})),
    dialogs: Array.from(window.seen.dialogs.values()),
    states: window.seen.states,
}};
"""

# In the page: what of the outputs a reader can't read, each in a line. Contrast as WCAG has it, 4.5 for text, against
# the backgrounds painted below it; letters of 7 pixels. What is wider than its cell must scroll by itself.
_UNREADABLE = f"""{_FIND}
const channels = colour => (colour.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = colour => colour.slice(0, 3).map(c => linear(c / 255))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const over = (top, under) => under.slice(0, 3).map((c, i) => c * (1 - (top[3] ?? 1)) + top[i] * (top[3] ?? 1));
const ground = element => {{
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(channels(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
}};
const opacity = element => element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
const bad = [];
for (const area of document.querySelectorAll('.jp-OutputArea-output')) {{
    const walker = document.createTreeWalker(area, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {{
        const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
        if (!text || !element.getClientRects().length) continue;
        const style = getComputedStyle(element), under = ground(element);
        const ink = channels(element instanceof SVGElement ? style.fill : style.color);
        const seen = over([...ink.slice(0, 3), (ink[3] ?? 1) * opacity(element)], under);
        const [low, high] = [light(seen), light(under)].sort((a, b) => a - b);
        const contrast = (high + 0.05) / (low + 0.05);
        const svg = element.closest('svg');
        const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
        const size = parseFloat(style.fontSize) * scale;
        if (size < 6.9) bad.push(`letters of ${{size.toFixed(1)}} px: ${{text.slice(0, 60)}}`);
        if (contrast < 4.5) bad.push(`contrast ${{contrast.toFixed(1)}}: ${{text.slice(0, 60)}}`);
    }}
    const room = area.getBoundingClientRect().right + 1;
    for (const element of area.querySelectorAll('div, dl, svg, pre, table')) {{
        if (element.getBoundingClientRect().right > room && !element.closest('[style*="overflow"]')) {{
            bad.push(`wider than its cell: ${{element.tagName}} ${{element.textContent.trim().slice(0, 60)}}`);
        }}
    }}
}}
// A figure that isn't there can't be looked at.
const outputs = Array.from(panel.content.model.cells).flatMap(cell => cell.outputs?.toJSON() ?? []);
const drawn = outputs.filter(output => JSON.stringify(output.data ?? '').includes('<svg')).length;
const shown = document.querySelectorAll('.jp-OutputArea-output svg').length;
if (shown < drawn) bad.push(`figures: ${{shown}} of ${{drawn}}`);
return Array.from(new Set(bad));
"""

_READY = f"""{_FIND}
return panel?.sessionContext?.isReady && panel.sessionContext.session?.kernel?.status === 'idle';
"""


@dataclass(frozen=True)
class Cell:
    """A code cell, as the page has it.

    Attributes:
        source: What is in it.
        execution_count: The number beside it; None where it was not run to its end.
        running: Whether the page still shows it as running.
        outputs: As a notebook file has them.
    """

    source: str
    execution_count: int | None
    running: bool
    outputs: tuple[dict[str, Any], ...]

    @property
    def error(self) -> str | None:
        """The exception that the page shows below it, as ``name: value``."""
        for output in self.outputs:
            if output["output_type"] == "error":
                return f"{output['ename']}: {output['evalue']}"
        return None

    @property
    def text(self) -> str:
        """All that it shows as plain text."""
        parts = []
        for output in self.outputs:
            text = output.get("text", output.get("data", {}).get("text/plain", ""))
            parts.append(text if isinstance(text, str) else "".join(text))
        return "".join(parts)


@dataclass(frozen=True)
class Run:
    """What "Run All Cells" led to.

    Attributes:
        cells: The code cells in order, as they were when it ended.
        dialogs: The text of each dialog that the page showed, however briefly.
        states: The states that the page saw the kernel in, in order (``busy``, ``idle``, ``autorestarting`` ...).
        finished: Whether every cell was answered in time.
        seconds: How long it took.
    """

    cells: tuple[Cell, ...]
    dialogs: tuple[str, ...]
    states: tuple[str, ...]
    finished: bool
    seconds: float
    _driver: WebDriver

    def dress(self, *, dark: bool = False, phone: bool = False) -> None:
        """Shows the page in a theme, on a wide screen or on a phone's."""
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        self._driver.execute_script(
            "window.jupyterapp.commands.execute('apputils:change-theme', {theme: arguments[0]})", theme
        )
        if phone:
            screen = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
            self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        else:
            self._driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        side = "window.jupyterapp.shell[arguments[0] ? 'collapseLeft' : 'expandLeft']()"
        self._driver.execute_script(side, phone)
        time.sleep(2)

    def unreadable(self) -> list[str]:
        """What of the outputs can't be read as the page is dressed: too faint, or cut off at its side."""
        found: list[str] = self._driver.execute_script(_UNREADABLE)
        return found

    def screenshot(self, path: Path, *, whole: bool = False, scrolled: int | None = None) -> Path:
        """Writes a picture of the page as it is now.

        Args:
            path: A PNG file; its folder is made.
            whole: Whether the window grows until all cells fit in.
            scrolled: How many pixels below the notebook's beginning the picture begins; as it is unless given.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        driver = self._driver
        size = driver.get_window_size()
        if whole:
            script = (
                "return document.querySelector('.jp-Notebook .jp-WindowedPanel-inner, .jp-Notebook').scrollHeight"
            )
            driver.set_window_size(size["width"], driver.execute_script(script) + 300)
            time.sleep(1)
        if scrolled is not None:
            driver.execute_script(
                "document.querySelector('.jp-WindowedPanel-outer').scrollTop = arguments[0]", scrolled
            )
            time.sleep(1)
        driver.save_screenshot(str(path))
        driver.set_window_size(size["width"], size["height"])
        return path


class Lab:
    """JupyterLab, served by the machine's own Python, and a browser that shows it.

    To be used as a context; one notebook after the other may be run in it.
    """

    def __init__(self, colab: ColabRoot, *, width: int = 1280, height: int = 1000) -> None:
        self.colab = colab
        self._size = (width, height)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        ensure_browser()
        target = find_python(self.colab.python)
        assert target is not None
        self.colab.bind("/srv", lab_folder(target))
        settings = {"LabApp.app_dir": "/srv/share/jupyter/lab", "LabApp.expose_app_in_browser": True}
        with self._open:
            self.server = Server(
                self.colab, self.colab.transport, ("python3", "-c", _PROGRAM), settings, "jupyterlab"
            )
            self._open.callback(self.server.close)
            profile = self._open.enter_context(
                tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
            )
            width, height = self._size
            self.driver = self._open.enter_context(browser(Path(profile), width=width, height=height))
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self, notebook: Path, timeout: float = 90.0) -> None:
        """Copies a notebook to /content, opens it in the page and waits until its kernel is ready.

        Raises:
            AssertionError: It isn't in time; with what the page and the server say.
        """
        self.colab.path(f"/content/{notebook.name}").write_bytes(notebook.read_bytes())
        self.driver.get(f"{self.server.url}/lab/tree/content/{notebook.name}?reset")
        try:
            WebDriverWait(self.driver, timeout, 0.2).until(lambda driver: driver.execute_script(_READY))
        except TimeoutException:
            raise AssertionError(f"the notebook doesn't open\n{self._said()}") from None
        self.driver.execute_script(_WATCH)
        self.driver.find_element(By.CSS_SELECTOR, ".jp-Notebook .jp-Cell .jp-InputPrompt").click()

    def run_all(self, notebook: Path, timeout: float = 300.0) -> Run:
        """Opens a notebook, chooses "Run All Cells" once, and waits until every cell is done or the time is over.

        Args:
            notebook: The file, outside.
            timeout: Seconds for the cells.

        Raises:
            AssertionError: The notebook doesn't open.
        """
        self.open(notebook)
        started = time.monotonic()
        self._choose("Run", "Run All Cells")
        page = self._read()
        while page["cells"] and not self._settled(page) and time.monotonic() - started < timeout:
            time.sleep(0.5)  # each look costs the page all its outputs, which it needs the processor for itself
            page = self._read()
        seconds = time.monotonic() - started
        cells = tuple(
            Cell(cell["source"], cell["execution_count"], cell["state"] == "running", tuple(cell["outputs"]))
            for cell in page["cells"]
        )
        return Run(cells, tuple(page["dialogs"]), tuple(page["states"]), self._settled(page), seconds, self.driver)

    def kernel(self) -> Kernel:
        """A client of the page's own kernel, for what the page doesn't tell. To be closed."""
        (started,) = self.server.call("GET", "/api/kernels")
        kernel = Kernel(self.server, started["id"])
        kernel.ready()
        return kernel

    def notebook(self, name: str) -> dict[str, Any]:
        """A notebook as the page saved it, by its file name: saves it first."""
        self._choose("File", "Save Notebook")
        time.sleep(1)
        return read_whole(self.colab.path(f"/content/{name}"))

    @staticmethod
    def _settled(page: dict[str, Any]) -> bool:
        """Whether the kernel has been at work, and the page waits for the answer to no cell."""
        return "busy" in page["states"] and not any(cell["state"] == "running" for cell in page["cells"])

    def _read(self) -> dict[str, Any]:
        page: dict[str, Any] = self.driver.execute_script(_READ)
        return page

    def _choose(self, menu: str, item: str) -> None:
        """Clicks an item of a menu, as a user does."""
        wait = WebDriverWait(self.driver, 20)
        bar = f"//div[@id='jp-MainMenu']//div[contains(@class, 'lm-MenuBar-itemLabel') and text()='{menu}']"
        wait.until(element_to_be_clickable((By.XPATH, bar))).click()
        label = (
            f"//li[contains(@class, 'lm-Menu-item')]//div[contains(@class, 'lm-Menu-itemLabel') and text()='{item}']"
        )
        wait.until(element_to_be_clickable((By.XPATH, label))).click()

    def _said(self) -> str:
        console = "\n".join(entry["message"] for entry in self.driver.get_log("browser"))
        page = self.driver.find_element(By.TAG_NAME, "body").text
        return f"page: {page[-2000:]}\nconsole: {console[-2000:]}\nserver: {self.server.log()[-2000:]}"
