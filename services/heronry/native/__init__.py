"""The hot loops: C++ where the extension is built, NumPy twins otherwise, one interface."""

from heronry.native.backend import BACKEND, return_scan

__all__ = ["BACKEND", "return_scan"]
