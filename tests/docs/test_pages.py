"""The narrative pages: what their code prints is what they show, and both languages say the same in the same order."""

import contextlib
import io
import re
import tokenize
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*DOCS.glob("en/**/*.md"), *DOCS.glob("zh-TW/**/*.md")])
ENGLISH = sorted(DOCS.glob("en/**/*.md"))
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\s+```text\n(.*?)```)?", re.DOTALL)
LANGUAGE = re.compile(r'(, )?\blanguage="zh-TW"(?(1)|(, )?)')
BLOCK = re.compile(r"^(`{3,})(\S*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def in_chinese(page: Path) -> Path:
    return DOCS / "zh-TW" / page.relative_to(DOCS / "en")


def code_alone(code: str) -> list[str]:
    """A program without comments, without the contents of its strings, and without asking for Chinese: what a page
    may translate."""
    code = LANGUAGE.sub("", code)
    return [
        "" if "STRING" in tokenize.tok_name[token.type] else token.string
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type not in (tokenize.COMMENT, tokenize.NL)
    ]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=name_of
)
def test_the_examples_of_a_page_print_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, shown in EXAMPLE.findall(page.read_text("utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == shown


def test_every_page_is_there_in_both_languages() -> None:
    chinese = {page.relative_to(DOCS / "zh-TW") for page in DOCS.glob("zh-TW/**/*.md")}
    assert {page.relative_to(DOCS / "en") for page in ENGLISH} == chinese


@pytest.mark.parametrize("page", ENGLISH, ids=name_of)
def test_both_languages_have_the_same_headings_code_images_and_folds(page: Path) -> None:
    texts = [each.read_text("utf-8") for each in (page, in_chinese(page))]
    prose = [BLOCK.sub("", text) for text in texts]
    for pattern in (r"^#+(?= )", r"!\[.+\]\(\S*?(?:\.zh-TW)?\.\w+\)", r"^:::+(?:\{\w[\w-]*\})?"):
        shapes = [
            [re.sub(r"\.zh-TW|\[.+\]", "", found) for found in re.findall(pattern, text, re.MULTILINE)]
            for text in prose
        ]
        assert shapes[0] == shapes[1]
    blocks = [[(language, code) for _, language, code in BLOCK.findall(text)] for text in texts]
    assert [language for language, _ in blocks[0]] == [language for language, _ in blocks[1]]
    for (language, code), (_, other) in zip(*blocks, strict=True):
        if language == "python":
            assert code_alone(code) == code_alone(other)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_begins_with_its_title_and_one_sentence(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in BLOCK.sub("", "\n".join(lines)).splitlines() if line.startswith("# ")] == lines[
        :1
    ]
    assert not lines[1]
    assert lines[2].rstrip().endswith((".", "。", "：", ":"))
