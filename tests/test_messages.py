"""The catalogues: complete, with the same placeholders, and as the sources have it."""

import io
import os
import re
import string
from pathlib import Path
from typing import Any

import pytest

from yolosses import language as words
from yolosses.language import LANGUAGES, LOCALE, N_, catalogue

babel = pytest.importorskip("babel")

from babel.messages.catalog import Catalog, Message  # noqa: E402
from babel.messages.extract import extract_from_dir  # noqa: E402
from babel.messages.frontend import parse_mapping_cfg  # noqa: E402
from babel.messages.pofile import read_po  # noqa: E402

ROOT = Path(__file__).parents[1]
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/yolosses.po"))
ALL = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def messages(path: Path) -> list[Message]:
    return [message for message in read(path) if message.id]


def forms(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_is_chinese() -> None:
    assert "zh_TW" in [path.parts[-3] for path in CATALOGUES]
    assert LANGUAGES[0] == "en"
    assert set(LANGUAGES) == {"en", *(path.parts[-3].replace("_", "-") for path in CATALOGUES)}


@ALL
def test_every_message_is_translated(path: Path) -> None:
    missing = [message.id for message in messages(path) if not all(forms(message.string))]
    assert missing == []


@ALL
def test_nothing_is_fuzzy_or_obsolete(path: Path) -> None:
    assert [message.id for message in messages(path) if message.fuzzy] == []
    assert list(read(path).obsolete) == []


@ALL
def test_translations_have_the_placeholders_of_the_english(path: Path) -> None:
    wrong = []
    for message in messages(path):
        wanted = set.union(*(names(text) for text in forms(message.id)))
        wrong += [(message.id, text) for text in forms(message.string) if names(text) != wanted]
    assert wrong == []


@ALL
def test_the_catalogue_has_the_messages_of_the_sources(path: Path) -> None:
    mapping, options = parse_mapping_cfg(io.StringIO((ROOT / "messages.cfg").read_text("utf-8")))
    found = {
        (context, message)
        for _, _, message, _, context in extract_from_dir(ROOT / "src/yolosses", mapping, options)
    }
    catalogued = {
        (message.context, message.id if isinstance(message.id, str) else tuple(message.id))
        for message in messages(path)
    }
    # Extraction meets one text once as a message and once as the first form of a plural; catalogues merge them.
    plurals = {(context, ids[0]) for context, ids in catalogued if not isinstance(ids, str)}
    assert found - catalogued - plurals == set(), "run `make messages` and translate what is new"
    assert catalogued - found == set(), "run `make messages`, which drops what is gone"


@ALL
def test_translations_escape_nothing_themselves(path: Path) -> None:
    """Markup stands in the templates; what a message holds is text."""
    marked = [
        text for message in messages(path) for text in forms(message.string) if re.search(r"</?[a-z]", text)
    ]
    assert marked == []


def test_only_lessons_hold_words_of_other_languages() -> None:
    """They are teaching material, written in both languages side by side; all else is in the catalogues."""
    source = ROOT / "src/yolosses"
    chinese = [path for path in source.rglob("*.py") if re.search("[一-鿿]", path.read_text("utf-8"))]
    assert {path.relative_to(source).parts[0] for path in chinese} == {"lessons"}


def test_english_is_the_key() -> None:
    assert N_("objects") == "objects"
    assert catalogue("en").gettext("objects") == "objects"
    assert catalogue("zh-TW").gettext("objects") == "物件數"


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(ValueError, match=r"language: expected one of 'en', .*'zh-TW'; got 'xx'"):
        catalogue("xx")


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for catalogues of a language that only this test has."""
    folder = tmp_path / "ja/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "yolosses.po").write_text('msgid "objects"\nmsgstr "物体"\n', "utf-8")
    monkeypatch.setattr(words, "LOCALE", tmp_path)
    monkeypatch.setattr(words, "LANGUAGES", ("en", "ja"))
    monkeypatch.setattr(words, "catalogue", words.catalogue.__wrapped__)
    return folder


def test_a_language_is_one_file(locale: Path) -> None:
    assert words.catalogue("ja").gettext("objects") == "物体"


def test_a_compiled_catalogue_is_enough(locale: Path) -> None:
    (locale / "yolosses.mo").write_bytes(words.compile_catalogue(locale / "yolosses.po"))
    (locale / "yolosses.po").unlink()
    assert words.catalogue("ja").gettext("objects") == "物体"


def test_old_words_are_not_shown(locale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, compiled = locale / "yolosses.po", locale / "yolosses.mo"
    compiled.write_bytes(words.compile_catalogue(written))
    written.write_text('msgid "objects"\nmsgstr "物"\n', "utf-8")
    os.utime(compiled, (0, 0))
    assert words.catalogue("ja").gettext("objects") == "物"

    def missing(path: Path) -> bytes:
        raise ImportError("babel")

    monkeypatch.setattr(words, "compile_catalogue", missing)
    with pytest.raises(RuntimeError, match=r"yolosses.po: expected a compiled catalogue .* `pip install -e"):
        words.catalogue("ja")
