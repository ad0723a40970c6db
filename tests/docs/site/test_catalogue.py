"""The catalogue of translations knows every sentence of reference/, and translates it."""

from pathlib import Path

from tests.docs.build import module


def test_the_catalogue_has_the_sentences_of_now(site: Path) -> None:
    """On failure run ``make docs-messages`` and translate what is new."""
    untranslated = module("untranslated")
    now, known = (
        {message.id for message in untranslated.catalogue(path) if message.id}
        for path in (site.parent / "messages" / "reference.pot", untranslated.CATALOGUE)
    )
    assert now == known


def test_everything_is_translated_and_nothing_is_fuzzy() -> None:
    untranslated = module("untranslated")
    for page, count in untranslated.counted(untranslated.catalogue()).items():
        assert (count["untranslated"], count["fuzzy"]) == (0, 0), page
