"""A headless Chromium: Debian's, driven by its own chromedriver through selenium."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selenium import webdriver
from selenium.common.exceptions import WebDriverException

from .root import lacking

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

_PACKAGES = ("chromium", "chromium-driver")
_COMMANDS = ("chromium", "chromedriver")


@functools.cache
def why_not() -> str | None:
    """Why there is no browser here; None where there is one. Installs it where that can be done."""
    if all(map(shutil.which, _COMMANDS)):
        return None
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"there is no Chromium here, and only root on Debian could install {' and '.join(_PACKAGES)}"
    print(f"apt-get installs {' and '.join(_PACKAGES)}, which the notebook's tests need", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["update"], ["install", "--yes", "--no-install-recommends", *_PACKAGES])
    for step in steps:
        done = subprocess.run(
            ["apt-get", "--quiet", *step], capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode != 0:
            return f"apt-get can't install Chromium: {done.stderr.strip()[-500:]}"
    return None if all(map(shutil.which, _COMMANDS)) else "Debian's packages brought no chromium and chromedriver"


def ensure_browser() -> None:
    """Installs Chromium where it is missing and can be; else skips the test with the reason.

    Called before a root is made: a root shows this machine's files, which had better not change below it.
    """
    if (reason := why_not()) is not None:
        lacking(reason)


@contextmanager
def browser(profile: Path, *, width: int = 1280, height: int = 1000) -> Iterator[WebDriver]:
    """A browser with a new profile.

    Args:
        profile: An empty folder, for all that it writes.
        width: Of its window, in pixels.
        height: Of its window, in pixels.
    """
    ensure_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--no-default-browser-check",
        f"--user-data-dir={profile}",
        f"--window-size={width},{height}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Nothing of the user's own; and selenium shall not look for a driver on the network.
    service = webdriver.ChromeService(
        str(shutil.which("chromedriver")), env={**os.environ, "HOME": str(profile), "XDG_CONFIG_HOME": str(profile)}
    )
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_script_timeout(60)
        yield driver
    finally:
        try:
            driver.quit()
        except WebDriverException:
            service.stop()


if __name__ == "__main__":
    # Before tests that run side by side. One that needs it says itself what is lacking.
    if (_reason := why_not()) is not None:
        print(_reason, file=sys.stderr)
