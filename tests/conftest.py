"""What all tests share: assertions in helper modules explain themselves, and property tests repeat exactly."""

import gc
import hashlib
import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch is imported: threads that spin while they wait make tests ten times slower on cores that are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before triton is imported: its kernels are interpreted, also beside a GPU, but for the tests of one (`make test-gpu`).
os.environ.setdefault("TRITON_INTERPRET", "1")

# Before numba is imported: what it compiled counts only as long as no file of the loops has changed.
LOOPS = Path(__file__).parents[1] / "src" / "yolosses" / "kernels" / "numba"
SOURCES = b"".join(path.read_bytes() for path in sorted(LOOPS.glob("*.py")))
CACHE = Path(__file__).parents[1] / ".numba_cache" / hashlib.sha256(SOURCES).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", str(CACHE))

pytest.register_assert_rewrite("tests.contract", "tests.hazards")

# Shared machines make deadlines flaky; fixed seeds make a failure on one machine a failure on every other.
settings.register_profile("yolosses", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("yolosses")


# `make quick` (-m "not slow") does not even import them: rooms that train, start commands, or compile. Single tests
# that take long are marked where they stand.
SLOW_ROOMS = ("apps", "docs", "examples", "export", "kernels", "lessons", "playground", "studies", "training")
SLOW_FILES = (
    "test_compile_training.py",
    "test_lambdas_page.py",
    "test_memory.py",
    "test_several_processes_page.py",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.option.markexpr != "not slow":
        return None
    here = Path(__file__).parent
    slow = collection_path in [here / name for name in (*SLOW_ROOMS, *SLOW_FILES)]
    return slow or None


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is tried with every engine is quick with one: that of the formula."""
    for item in items:
        case = (
            item.callspec.params.get("case")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        if getattr(case, "engine", "torch") != "torch":
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: a hundred tests that collect garbage need not look through it each time. And
    tracing makes objects by the million, few of them garbage: Python looks for it a tenth as often (6 % of the time of
    `test_compile_training.py`, 2 % now)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_unconfigure() -> None:
    gc.unfreeze()  # or libraries complain at the end that their objects are still there


@pytest.fixture(scope="session", autouse=True)
def _fast_interpreter() -> None:
    if os.environ["TRITON_INTERPRET"] == "1" and importlib.util.find_spec("triton"):
        from tests.interpreter import make_faster

        make_faster()
