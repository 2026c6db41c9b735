"""Reads the header of a TensorRT plan: which TensorRT built it, for which GPU, and whether the file is whole.

An Ultralytics export is a u32 length, so many bytes of JSON, and a plan: ultralytics/ultralytics,
ultralytics/engine/exporter.py ("export_engine").
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from environment.artifacts.heads import Head, parse_json, read
from environment.artifacts.plan_container import (
    ARCHIVE,
    CONTAINER,
    END,
    ENGINE,
    Archive,
    Container,
    Section,
    end_fault,
    no_engine_fault,
    parse_archive,
    parse_container,
)
from environment.artifacts.plan_stream import Fault, Stream, Version, parse_stream
from environment.data import Value
from environment.unknown import Unknown

HEAD = 1024  # bytes read of a container (41 sections at most), and again of its engine; none read yet needed 400
PREFIX_LIMIT = 1 << 20  # bytes of Ultralytics' JSON


class Plan(Value, frozen=True, kw_only=True, tag=True):
    """What a plan's header says. `fault` is the first thing in it that TensorRT itself would refuse."""

    container: Literal["ftrt", "ptrt"]
    file_size: int
    expected_size: int | None = None
    outer_version: Version | None = None
    sections: tuple[Section, ...] = ()
    archive: Archive = Archive()
    stream: Stream = Stream()
    fault: Fault | None = None

    @property
    def tensorrt(self) -> Version | None:
        """The TensorRT that built the plan, four numbers: the inner version, by which TensorRT decides."""
        return self.stream.tensorrt

    @property
    def compute(self) -> tuple[int, int] | None:
        """The compute capability of the GPU the plan was built on, where the layout is known."""
        device = self.stream.device
        return (device["compute_major"], device["compute_minor"]) if device else None

    @property
    def complete(self) -> bool:
        """Whether all that the header shows is as it must be."""
        return self.fault is None and self.expected_size == self.file_size


def read_plan(path: Path, prefix: int = 0) -> Plan | Unknown:
    """The plan at `path` after `prefix` bytes; Unknown where there is none. Reads 2 KB and the end marker."""
    head = read(path, HEAD, prefix)
    if isinstance(head, Unknown):
        return head
    size = head.file_size - prefix
    if head.data.startswith(CONTAINER):
        return _contained(path, prefix, parse_container(head.data, size), size)
    if head.data.startswith(ARCHIVE):
        return with_archive(Plan(container="ptrt", file_size=size), head.data, size)
    return Unknown(f"{path.name} begins like no TensorRT plan")


def _contained(path: Path, prefix: int, container: Container, size: int) -> Plan:
    """The plan in a container: its end marker and its engine section are where the table says."""
    engine = next((section for section in container.sections if section.tag == ENGINE), None)
    fault = container.fault or end_fault(_bytes(path, len(END), prefix + container.end))
    plan = Plan(
        container="ftrt",
        file_size=size,
        expected_size=container.expected_size,
        outer_version=container.version,
        sections=container.sections,
        fault=fault or (None if engine else no_engine_fault()),
    )
    return with_archive(plan, _bytes(path, HEAD, prefix + engine.offset), engine.size) if engine else plan


def _bytes(path: Path, size: int, offset: int) -> bytes:
    head = read(path, size, offset)
    return b"" if isinstance(head, Unknown) else head.data


def with_archive(plan: Plan, data: bytes, size: int) -> Plan:
    """The plan with what its archive of `size` bytes says, which begins with `data`."""
    archive = parse_archive(data[:size], size)
    stream = parse_stream(data[archive.values : size]) if archive.values else Stream()
    return replace(
        plan,
        expected_size=plan.expected_size if plan.sections else archive.expected_size,
        archive=archive,
        stream=stream,
        fault=plan.fault or archive.fault or stream.fault,
    )


def ultralytics_prefix(path: Path) -> tuple[int, Mapping[str, object]] | None:
    """How many bytes Ultralytics put before the plan, and what their JSON says; None if there are none."""
    head = read(path, 5)
    if isinstance(head, Unknown) or head.data[4:] != b"{":
        return None
    (length,) = struct.unpack_from("<I", head.data)
    text = read(path, length, 4) if length <= PREFIX_LIMIT else None
    said = parse_json(text.data, path.name) if isinstance(text, Head) else None
    return (4 + length, said) if isinstance(said, Mapping) else None
