"""Checks of lessons write a file of progress and search long for the smallest case; most tests want neither."""

import pytest

from yolosses.lessons import checking


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _chosen_cases_decide(request, monkeypatch):
    """What an answer is called depends on the chosen cases; the search itself is tested in ``test_checking``."""
    if not request.module.__name__.endswith("test_checking"):
        monkeypatch.setattr(checking, "PATIENCE", 0.3)
        monkeypatch.setattr(checking, "DRAWN", 15)
