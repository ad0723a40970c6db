"""The lessons as notebooks: both languages alike, ready to open, a learner's work is never overwritten."""

import json
import re

import jupytext
import pytest
from markdown_it import MarkdownIt  # what jupytext reads Markdown with

from yolosses.lessons.notebooks import lesson_files, write_notebooks

NAMES = [path.stem for path in lesson_files("en")]


def _code(path):
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def test_both_languages_have_the_same_lessons():
    assert [path.name for path in lesson_files("zh-TW")] == [path.name for path in lesson_files("en")]


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_every_lesson_opens_by_itself(language, tmp_path):
    written, kept = write_notebooks(tmp_path / "new", language)
    assert [path.stem for path in written] == NAMES
    assert kept == []
    for path in written:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        assert "%pip install" in "".join(first["source"])
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_define_the_same_functions_and_ask_for_the_same_checks(name):
    english, chinese = (
        [line for cell in _code(next(path for path in lesson_files(language) if path.stem == name))
         for line in cell.source.splitlines() if line.startswith(("def ", "q.")) and "set_language" not in line
         and "question" not in line]
        for language in ("en", "zh-TW")
    )  # fmt: skip
    assert english == chinese


@pytest.mark.parametrize("name", NAMES)
def test_bold_words_are_bold_beside_chinese_letters(name):
    """CommonMark does not end ** after punctuation when a letter follows at once: the stars stay in the text."""
    path = next(path for path in lesson_files("zh-TW") if path.stem == name)
    prose = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "markdown"]
    blocks = MarkdownIt("commonmark").enable("table").parse("\n\n".join(prose))
    texts = [part.content for block in blocks for part in block.children or () if part.type == "text"]
    assert [text for text in texts if "**" in text] == []


def test_notebooks_that_are_there_are_kept(tmp_path):
    write_notebooks(tmp_path, "en")
    mine = tmp_path / f"{NAMES[0]}.ipynb"
    mine.write_text("my work", encoding="utf-8")
    written, kept = write_notebooks(tmp_path, "zh-TW")
    assert written == []
    assert len(kept) == len(NAMES)
    assert mine.read_text(encoding="utf-8") == "my work"


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_links_of_a_notebook_lead_somewhere(language, tmp_path):
    written, _ = write_notebooks(tmp_path, language)
    docs = lesson_files(language)[0].parents[2]
    pages = "https://github.com/yolosses/yolosses/blob/main/docs/"
    links = [
        link
        for path in written
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
        for link in re.findall(r"\]\(([^) ]+)\)", "".join(cell["source"]))
    ]
    assert len(links) > 10
    for link in links:
        assert link.removeprefix(pages) != link or (tmp_path / link).is_file(), link
        if link.startswith(pages):
            assert (docs / link.removeprefix(pages)).is_file(), link


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_notebook_has_no_link_that_only_the_site_has(language, tmp_path):
    sources = [path for path in lesson_files(language) if "playground/index.html" in path.read_text("utf-8")]
    assert len(sources) == 9
    written, _ = write_notebooks(tmp_path, language)
    for path in written:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
        assert "playground/index.html" not in text
        assert "only}" not in text
        assert re.search(r"^## (Remember|帶走的重點|記住這些)$", text, re.MULTILINE), path.name
