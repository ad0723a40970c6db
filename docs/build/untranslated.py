"""Counts the sentences of ``reference/`` that the catalogue does not translate yet, page by page:

    python docs/build/untranslated.py [--list PAGE]

Run ``make docs-messages`` first, so that the catalogue knows every sentence.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

CATALOGUE = Path(__file__).resolve().parent.parent / "locale" / "zh_TW" / "LC_MESSAGES" / "reference.po"


def catalogue(path: Path = CATALOGUE) -> Catalog:
    """The catalogue, without its head."""
    with path.open("rb") as file:
        return read_po(file)


def pages(message: Message) -> set[str]:
    """Where it stands: a page below ``reference/``, or a docstring."""
    return {_page(str(place)) for place, _ in message.locations}


def _page(place: str) -> str:
    _, found, page = place.partition("/reference/")
    return page if found else "docstrings"


def counted(found: Catalog) -> dict[str, Counter[str]]:
    """Of each page: sentences in all, untranslated, fuzzy."""
    counts: dict[str, Counter[str]] = {}
    for message in found:
        if message.id:
            for page in pages(message):
                count = counts.setdefault(page, Counter())
                count.update(all=1, untranslated=not message.string, fuzzy=message.fuzzy)
    return counts


def main() -> None:
    """Print the table, or the sentences of one page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", metavar="PAGE", help="print its sentences that are not translated")
    wanted = parser.parse_args().list
    found = catalogue()
    if wanted:
        for message in found:
            if message.id and not message.string and wanted in pages(message):
                print(message.id, end="\n\n")
        return
    print(f"{'page':44} sentences  untranslated  fuzzy")
    for page, count in sorted(counted(found).items()):
        print(f"{page:44} {count['all']:9}  {count['untranslated']:12}  {count['fuzzy']:5}")


if __name__ == "__main__":
    main()
