"""Builds the site, one tree of HTML for each language under ``docs/_build/html``:

    python docs/build/website.py                the site; a warning is an error
    python docs/build/website.py --messages     the sentences of reference/ into docs/locale, for translators

The pages of a language are those of ``docs/LANGUAGE``, its lessons, and ``reference/``, whose source is English and
which is translated by the catalogue in ``docs/locale``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import inventories
from languages import LANGUAGES

import reference

DOCS = Path(__file__).resolve().parent.parent
OUT = DOCS / "_build"
PLAYGROUND = DOCS.parent / "playground" / "dist"  # where it is built (make playground), the site has it too
SHARED = ("images", "data", "reference")


def assemble(folder: str) -> Path:
    """The sources of a language in one tree."""
    tree = OUT / "source" / folder
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(DOCS / folder, tree)
    for name in SHARED:
        shutil.copytree(DOCS / name, tree / name)
    if (DOCS / "lessons" / folder).exists():
        shutil.copytree(DOCS / "lessons" / folder, tree / "lessons")
    reference.write(tree / "reference", folder)
    return tree


def sphinx(builder: str, tree: Path, out: Path, language: str) -> None:
    """Run Sphinx. Raises ``CalledProcessError`` where it finds anything wrong."""
    tags = ["-t", "playground"] if PLAYGROUND.exists() else []
    options = [*tags, "--fail-on-warning", "--keep-going", "--quiet", "-D", f"language={language}"]
    doctrees = OUT / "doctrees" / f"{builder}-{language}"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-E",
        "-b",
        builder,
        "-c",
        DOCS,
        "-d",
        doctrees,
        *options,
        tree,
        out,
    ]
    threads = {"OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    subprocess.run(list(map(str, command)), check=True, env={**os.environ, **threads})


def build() -> None:
    """Both languages, the page that leads to them, and the sentences that the catalogue should have."""
    inventories.write(OUT / "inventories")
    for language, (folder, _, _) in LANGUAGES.items():
        sphinx("html", assemble(folder), OUT / "html" / folder, language)
    shutil.copyfile(DOCS / "build" / "templates" / "root.html", OUT / "html" / "index.html")
    shutil.rmtree(OUT / "html" / "playground", ignore_errors=True)
    if PLAYGROUND.exists():
        shutil.copytree(PLAYGROUND, OUT / "html" / "playground")
    extract(OUT / "source" / "en")


def extract(english: Path) -> None:
    """The sentences of reference/, into ``_build/messages/reference.pot``."""
    tree = OUT / "source" / "messages"
    shutil.rmtree(tree, ignore_errors=True)
    for name in SHARED:
        shutil.copytree(english / name, tree / name)
    for page in english.rglob("*.md"):
        place = tree / page.relative_to(english)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():  # what reference/ links to
            place.write_text("# Left out\n", "utf-8")
    (tree / "index.md").write_text("# Index\n\n```{toctree}\n:glob:\n\n**\n```\n", "utf-8")
    sphinx("gettext", tree, OUT / "messages", "en")


def update_catalogue() -> None:
    """Extract the sentences and bring the catalogue up to date."""
    inventories.write(OUT / "inventories")
    extract(assemble("en"))
    for pot in (OUT / "messages").glob("*.pot"):
        if pot.stem != "reference":
            pot.unlink()
    update = [
        "update",
        "-p",
        OUT / "messages",
        "-d",
        DOCS / "locale",
        "-l",
        "zh_TW",
        "--no-obsolete",
        "-w",
        "100",
    ]
    subprocess.run([sys.executable, "-m", "sphinx_intl", *map(str, update)], check=True, cwd=DOCS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", action="store_true", help="extract the sentences of reference/")
    if parser.parse_args().messages:
        update_catalogue()
    else:
        build()
