from __future__ import annotations

from tests.recipes.rehearsal.conftest import empty_home

__all__ = ["empty_home"]
