"""Headless Chromium of the system's packages, and what a page in it must have."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

NARROW, WIDE = 400, 1280  # pixels
STATE = """
const done = arguments[arguments.length - 1];
const images = [...document.images].filter((image) => image.getAttribute("src"));
const named = (element) =>
  element.textContent.trim() || element.labels?.length || element.ariaLabel ||
  element.querySelector("img[alt]:not([alt=''])");
const controls = [...document.querySelectorAll("a, button, input")];
const seen = controls.filter((one) => !one.closest("[hidden], [aria-hidden]"));
images.forEach((image) => { image.loading = "eager"; });
Promise.allSettled(images.map((image) => image.decode())).then((shown) => done({
  broken: images.filter((_, number) => shown[number].status === "rejected").map((image) => image.src),
  text: document.body.innerText.length,
  unnamed: seen.filter((one) => !named(one)).map((one) => one.outerHTML),
}));
"""


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """The browser, its profile below `folder`; the test skips where it is not installed."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no Chromium here; Debian: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(service=Service(driver), options=options)
    try:
        yield chrome
    finally:
        chrome.quit()


def resize(browser: webdriver.Chrome, width: int) -> None:
    """A viewport of this width; a window of Chromium cannot be as narrow as a telephone."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def faults(browser: webdriver.Chrome, page: Path) -> list[str]:
    """Open the page; what is wrong with it: messages of the console, images that do not show, controls without a name,
    text that does not fit a wide or a narrow window."""
    browser.get(page.as_uri())
    problems = [f"{page.name}: {message['message']}" for message in browser.get_log("browser")]
    state = browser.execute_async_script(STATE)
    problems += [f"{page.name}: broken image {source}" for source in state["broken"]]
    problems += [f"{page.name}: without a name for a screen reader: {element}" for element in state["unnamed"]]
    if state["text"] < 40:
        problems.append(f"{page.name}: without text")
    for width in (WIDE, NARROW):
        resize(browser, width)
        if browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth"):
            problems.append(f"{page.name}: wider than {width} pixels")
    return problems


def is_blank(browser: webdriver.Chrome, page: Path, width: int) -> bool:
    """Whether a screenshot of the page is of one colour."""
    resize(browser, width)
    browser.get(page.as_uri())
    with Image.open(io.BytesIO(browser.get_screenshot_as_png())) as image:
        return len(image.convert("RGB").getcolors(1 << 24)) < 3


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]


def broken_links(page: Path) -> list[str]:
    """What the page links to and is not there, or lies in the network."""
    links = _Links()
    links.feed(page.read_text())
    broken = []
    for link in links.addresses:
        split = urlsplit(urljoin(page.as_uri(), link))
        if split.scheme == "data":
            continue
        if split.scheme != "file" or not Path(url2pathname(split.path)).is_file():
            broken.append(f"{page.name}: {link}")
    return broken
