"""Where other projects document the few names that docstrings here refer to, so that the build asks no network."""

from __future__ import annotations

import zlib
from pathlib import Path

TORCH, NUMPY = "https://docs.pytorch.org/docs/stable/", "https://numpy.org/doc/stable/"
PYTHON = "https://docs.python.org/3/"
NAMES = {
    "torch": {
        "torch.Tensor": ("class", "tensors.html#torch.Tensor"),
        "torch.Generator": ("class", "generated/torch.Generator.html#torch.Generator"),
        "torch.compile": ("function", "generated/torch.compile.html#torch.compile"),
        "torch.device": ("class", "tensor_attributes.html#torch.device"),
        "torch.dtype": ("class", "tensor_attributes.html#torch.dtype"),
        "torch.nn.Module": ("class", "generated/torch.nn.Module.html#torch.nn.Module"),
        "torch.nn.modules.module.Module": ("class", "generated/torch.nn.Module.html#torch.nn.Module"),
    },
    "numpy": {"numpy.ndarray": ("class", "reference/generated/numpy.ndarray.html#numpy.ndarray")},
    "python": {
        **{f"{name}": ("class", f"library/functions.html#{name}") for name in ("bool", "float", "int")},
        **{
            f"{name}": ("class", f"library/stdtypes.html#{name}") for name in ("dict", "list", "str", "tuple")
        },
        "ValueError": ("exception", "library/exceptions.html#ValueError"),
        "TypeError": ("exception", "library/exceptions.html#TypeError"),
        "collections.abc.Callable": ("class", "library/collections.abc.html#collections.abc.Callable"),
        "collections.abc.Iterator": ("class", "library/collections.abc.html#collections.abc.Iterator"),
        "collections.abc.Mapping": ("class", "library/collections.abc.html#collections.abc.Mapping"),
        "collections.abc.Sequence": ("class", "library/collections.abc.html#collections.abc.Sequence"),
        "typing.Any": ("data", "library/typing.html#typing.Any"),
    },
}
ADDRESSES = {"torch": TORCH, "numpy": NUMPY, "python": PYTHON}


def write(folder: Path) -> None:
    """One inventory a project, in the format of Sphinx's ``objects.inv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for project, names in NAMES.items():
        head = (
            f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
            "# The remainder of this file is compressed using zlib.\n"
        )
        lines = [f"{name} py:{kind} 1 {address} -\n" for name, (kind, address) in names.items()]
        (folder / f"{project}.inv").write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
