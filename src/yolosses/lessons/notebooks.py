"""The lessons as notebooks."""

from __future__ import annotations

import re
from pathlib import Path

from yolosses.language import Language
from yolosses.training.files import whole_file

_PACKAGED = Path(__file__).parent / "notebooks"
_PAGES = "https://github.com/yolosses/yolosses/blob/main/docs"
_CHECKOUT = Path(__file__).parents[3] / "docs" / "lessons"


def lesson_files(language: Language) -> list[Path]:
    """The text notebooks (MyST) of one language, in order.

    Raises:
        FileNotFoundError: this installation has none.
    """
    for folder in (_PACKAGED, _CHECKOUT):
        files = sorted((folder / language).glob("[0-9]*.md"))
        if files:
            return files
    raise FileNotFoundError(f"{_PACKAGED}: expected the lessons; this installation has none")


def write_notebooks(folder: Path, language: Language) -> tuple[list[Path], list[Path]]:
    """Write each lesson to ``folder`` as .ipynb, ready to open. A notebook that is there already is a learner's work
    and stays as it is.

    Returns:
        The files written, and those kept.

    Raises:
        FileNotFoundError: this installation has no lessons.
        OSError: naming a file that cannot be written.
    """
    import jupytext

    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for source in lesson_files(language):
        path = folder / f"{source.stem}.ipynb"
        if path.exists():
            kept.append(path)
            continue
        notebook = jupytext.read(source)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _with_links(cell.source, language)
        with whole_file(path) as file:
            file.write(jupytext.writes(notebook, fmt="ipynb").encode())
        written.append(path)
    return written, kept


def _with_links(text: str, language: Language) -> str:
    """Links of the site as links of a notebook: to the notebooks beside it, and to the project's own pages. The
    playground is a part of the built site alone, so what leads there is left out."""
    text = re.sub(r"```\{only\} playground\n.*?\n```\n*", "", text, flags=re.DOTALL)
    text = re.sub(r"\]\((\d\d-[\w-]+)\.md\)", r"](\1.ipynb)", text)
    text = re.sub(r"\]\(\.\./((?:reference|data)/[^)]+)\)", rf"]({_PAGES}/\1)", text)
    return re.sub(r"\]\(\.\./([^)]+)\)", rf"]({_PAGES}/{language}/\1)", text)
