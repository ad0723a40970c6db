"""The catalogue of translations knows every sentence of reference/, and translates the pages that people read."""

from pathlib import Path

from tests.docs.build import module

MAY_BE_ENGLISH = "docstrings"  # of functions and classes; `untranslated.py` counts them


def test_the_catalogue_has_the_sentences_of_now(site: Path) -> None:
    """On failure run ``make docs-messages`` and translate what is new."""
    untranslated = module("untranslated")
    now, known = (
        {message.id for message in untranslated.catalogue(path) if message.id}
        for path in (site.parent / "messages" / "reference.pot", untranslated.CATALOGUE)
    )
    assert now == known


def test_pages_are_translated_and_nothing_is_fuzzy() -> None:
    untranslated = module("untranslated")
    counts = untranslated.counted(untranslated.catalogue())
    assert not {page: count["fuzzy"] for page, count in counts.items() if count["fuzzy"]}
    missing = {page: count["untranslated"] for page, count in counts.items() if count["untranslated"]}
    assert [page for page in missing if not page.startswith(MAY_BE_ENGLISH)] == []
    print("not translated:", missing)
