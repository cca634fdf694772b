"""The site of results in a real browser: the tiny study's, where all is there, and the mini study's as recorded."""

import json
import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from keyfilters.errors import KeyfiltersError
from keyfilters.reports.site import site
from keyfilters.reports.study_results import StudyResults
from keyfilters.study.study import load
from tests.helpers.browser import NARROW, WIDE, broken_links, chromium, faults, is_blank, resize

PROJECT = Path(__file__).parents[2]


def results(folder: Path, name: str) -> StudyResults:
    study = load(folder / "config.yaml", name).current
    return StudyResults(study, name, folder / "artifacts" / name, folder / "results" / name, folder / "logs")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def tiny(built, tmp_path_factory) -> Path:
    """The folder of the tiny study's pages."""
    return site([results(built.folder, "tiny")], tmp_path_factory.mktemp("tiny") / "site").parent / "tiny"


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> Path:
    return site([results(PROJECT, "mini")], tmp_path_factory.mktemp("mini") / "site").parent / "mini"


def test_no_link_or_image_leads_nowhere(tiny, mini):
    pages = [*tiny.parent.rglob("*.html"), *mini.parent.rglob("*.html")]
    assert len(pages) > 100
    assert [link for page in pages for link in broken_links(page)] == []


@pytest.mark.parametrize("study", ["tiny", "mini"])
def test_every_page_shows_narrow_and_wide(browser, study, request):
    pages = sorted(request.getfixturevalue(study).parent.rglob("*.html"))
    assert [fault for page in pages for fault in faults(browser, page)] == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("study", ["tiny", "mini"])
def test_a_screenshot_of_each_table_and_figure_is_not_empty(browser, study, width, request):
    pages = sorted(request.getfixturevalue(study).glob("*.html"))
    assert [page.name for page in pages if is_blank(browser, page, width)] == []


def test_a_number_leads_to_the_digest_of_its_images(browser, tiny, built):
    resize(browser, WIDE)
    browser.get((tiny / "table2.html").as_uri())
    number = browser.find_element(By.CSS_SELECTOR, "td a[href='cells/table2/dots--stripes.html']")
    record = json.loads((built.results / "cells/table2/dots--stripes.json").read_text())
    assert f"{record['mean']:.1f}" in number.text
    number.click()
    assert f"{record['mean']:.2f} %" in browser.find_element(By.TAG_NAME, "h1").text
    shown = browser.find_element(By.TAG_NAME, "main").text
    assert "Against table2/dots--dots" in shown
    assert "snakemake --cores all results/tiny/cells/table2/dots--stripes.json --config study=tiny" in shown
    config = load(built.folder / "config.yaml").current
    digest = config.datasets["stripes"].sha256
    path = ["seed0", "source", "dataset"]
    for role in path:
        summaries = browser.find_elements(By.CSS_SELECTOR, "details.ancestor > summary")
        visible = [summary for summary in summaries if summary.is_displayed() and summary.text.startswith(f"{role} ")]
        visible[-1].click()
    sets = [
        cell
        for cell in browser.find_elements(By.CSS_SELECTOR, ".ancestor td")
        if cell.is_displayed() and cell.text == digest
    ]
    assert sets, "the digest of the package or archive is not shown"


def test_tables_sort_by_a_press_or_a_key(browser, tiny):
    resize(browser, WIDE)
    browser.get((tiny / "table2.html").as_uri())
    table = browser.find_elements(By.CSS_SELECTOR, "table.sortable")[-1]
    button = next(button for button in table.find_elements(By.TAG_NAME, "button") if button.text.startswith("Accuracy"))
    cells = [row.find_elements(By.TAG_NAME, "td")[2] for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]
    values = sorted(float(cell.text.split()[0]) for cell in cells)

    def shown():
        rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [float(row.find_elements(By.TAG_NAME, "td")[2].text.split()[0]) for row in rows]

    button.click()
    assert shown() == values
    button.send_keys(Keys.ENTER)
    assert shown() == values[::-1]
    header = button.find_element(By.XPATH, "..")
    assert header.get_attribute("aria-sort") == "descending"


def test_an_image_opens_large_and_closes(browser, tiny):
    browser.get((tiny / "table7.html").as_uri())
    browser.find_element(By.CSS_SELECTOR, "a.enlarge").click()
    dialog = browser.find_element(By.ID, "large")
    image = dialog.find_element(By.TAG_NAME, "img")
    assert image.is_displayed()
    assert image.get_attribute("src").endswith("table7.svg")
    dialog.find_element(By.TAG_NAME, "button").click()
    assert not image.is_displayed()


def test_cells_are_found_and_opened_by_keys_alone(browser, tiny):
    browser.get((tiny / "cells/table7/dots.html").as_uri())
    search = browser.find_element(By.ID, "search")
    search.send_keys("stripes--waves table2")
    links = browser.find_elements(By.CSS_SELECTOR, "#found a")
    assert len(links) == 1
    search.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("/cells/table2/stripes--waves.html")


def test_light_and_dark_are_remembered(browser, tiny):
    browser.get((tiny / "index.html").as_uri())

    def background():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    before = background()
    browser.find_element(By.ID, "theme").click()
    after = background()
    assert before != after
    browser.refresh()
    assert background() == after


def test_a_folder_of_something_else_is_left_alone(built, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/one.txt").write_text("dear")
    with pytest.raises(KeyfiltersError, match="letters: holds something else than such a site"):
        site([results(built.folder, "tiny")], tmp_path / "letters")
    assert (tmp_path / "letters/one.txt").read_text() == "dear"


def test_a_study_without_results_is_one_line(built, tmp_path):
    complete = results(built.folder, "tiny")
    empty = StudyResults(complete.study, "tiny", tmp_path / "artifacts", tmp_path / "results", tmp_path / "logs")
    with pytest.raises(KeyfiltersError, match="no table or figure is made yet"):
        site([empty], tmp_path / "site")


def test_what_is_missing_is_marked(browser, built, tmp_path):
    """As in a clone without artifacts, where one table was not made."""
    folder = tmp_path / "results/tiny"
    shutil.copytree(built.results, folder)
    for path in (folder / "tables").glob("table7.*"):
        path.unlink()
    complete = results(built.folder, "tiny")
    incomplete = StudyResults(complete.study, "tiny", tmp_path / "nothing", folder, tmp_path / "logs")
    pages = site([incomplete], tmp_path / "site").parent / "tiny"
    assert "Not made yet" in (pages / "table7.html").read_text()
    assert "not on this machine" in (pages / "cells/table2/dots--stripes.html").read_text()
    assert faults(browser, pages / "table7.html") == []
    assert [link for page in pages.rglob("*.html") for link in broken_links(page)] == []
