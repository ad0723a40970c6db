"""What ``yl.explain`` is to a type checker, which knows of no module that can be called."""

from yolosses.explain import build, nonfinite


class Explain:
    """A function, and a module."""

    __call__ = staticmethod(build.explain)
    find_nonfinite = staticmethod(nonfinite.find_nonfinite)


explain: Explain
