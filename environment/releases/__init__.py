"""The releases of TensorRT-LLM on Triton: one file of sourced facts each, loaded into frozen values."""

from environment.releases.catalogue import DEFAULT_TAG, Rule, every, find, named_tag, rules, stray_containers, tags
from environment.releases.comparison import Difference, differences
from environment.releases.ngc import Container
from environment.releases.release import Release

__all__ = [
    "DEFAULT_TAG",
    "Container",
    "Difference",
    "Release",
    "Rule",
    "differences",
    "every",
    "find",
    "named_tag",
    "rules",
    "stray_containers",
    "tags",
]
