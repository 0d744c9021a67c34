"""Stands in for pip: see `__main__.py`."""
