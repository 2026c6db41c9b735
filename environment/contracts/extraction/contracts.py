"""Reads every known program's command line, and the templates, out of one release's source tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from environment.contracts.catalogue import FOLDER, TEMPLATES
from environment.contracts.extraction import arguments, click_options, cxxopts
from environment.contracts.extraction.arguments import Found
from environment.contracts.extraction.origin import Origin, origins
from environment.contracts.extraction.placeholders import templates
from environment.contracts.extraction.source import Module, Tree
from environment.contracts.record import Contract, Kind
from environment.contracts.templates import Templates
from environment.data import Record, read_json, read_toml
from environment.errors import Trouble
from environment.releases import Release, find, tags

PROGRAMS = Path(__file__).parent / "programs.toml"


class Program(Record, frozen=True, kw_only=True):
    """One program to look for: see programs.toml."""

    tool: str
    kind: Kind
    repo: str
    names: tuple[str, ...]
    paths: tuple[str, ...]


class _Programs(Record, frozen=True, kw_only=True):
    programs: tuple[Program, ...]


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What one source tree says: contracts, templates (None without the backend), and what could not be read."""

    contracts: tuple[Contract, ...]
    templates: Templates | None
    unread: tuple[str, ...]


def extract(folder: Path, tag: str, image: str = "") -> Extracted:
    """Everything that can be read of a release from a folder; raises Trouble when it holds no source of it.

    `image` names the image the folder was copied out of, when it was.
    """
    release, unread = find(tag), list[str]()
    trees = origins(folder, release, image)
    contracts: list[Contract] = []
    for program, file, origin in _present(trees):
        try:
            contracts.append(_contract(program, file, origin, release))
        except Trouble as trouble:
            unread.append(f"{program.tool}: {trouble.what}")
    known = _templates(trees["backend"], release) if "backend" in trees else None
    return Extracted(contracts=tuple(contracts), templates=known, unread=tuple(unread))


def _present(trees: dict[str, Origin]) -> Iterator[tuple[Program, Path, Origin]]:
    for program in read_toml(PROGRAMS, _Programs).programs:
        origin = trees.get(program.repo)
        files = [origin.root / path for path in program.paths] if origin else []
        if origin and (file := next((file for file in files if file.is_file()), None)):
            yield program, file, origin


def _contract(program: Program, file: Path, origin: Origin, release: Release) -> Contract:
    kind, found = _read(program, file, origin)
    if not found.options:
        mend = "check the release's tag out unchanged; a program that says them another way is a line in programs.toml"
        raise Trouble(f"no options found in {file}", mend=mend)
    contract = Contract(
        release=release.tag,
        tool=program.tool,
        kind=kind,
        programs=program.names,
        source=tuple(origin.source(path) for path in found.files),
        exact_commit=origin.exact,
        commands=tuple(found.commands),
        options=tuple(found.options),
    )
    return _with_checks(contract)


def _read(program: Program, file: Path, origin: Origin) -> tuple[Kind, Found]:
    if program.kind == "cxxopts":
        return "cxxopts", cxxopts.options(file)
    module = Tree(origin.root).read(file)
    if _imports_click(module):
        return "click", click_options.options(module)
    return "argparse", arguments.options(module)


def _imports_click(module: Module) -> bool:
    imports = (node for node in module.body if isinstance(node, ast.Import))
    return any(alias.name == "click" for node in imports for alias in node.names)


def _with_checks(contract: Contract) -> Contract:
    """Keeps what people found out about the code after the parser: it cannot be read automatically."""
    file = FOLDER / contract.release / f"{contract.tool}.json"
    if not file.is_file():
        return contract
    before = read_json(file, Contract)
    return msgspec.structs.replace(contract, checks=before.checks, checks_read=before.checks_read)


def _templates(origin: Origin, release: Release) -> Templates:
    models = templates(origin.root, release.tag, nearest(release.tag))
    sources = [origin.source(origin.root / template.config) for template in models.values()]
    return Templates(release=release.tag, source=tuple(sources), exact_commit=origin.exact, models=models)


def nearest(tag: str) -> Templates | None:
    """The known templates of the release itself, else of the nearest one, in the order of versions."""
    order = tags()
    known = [other for other in order if (FOLDER / other / f"{TEMPLATES}.json").is_file()]
    closest = sorted(known, key=lambda other: abs(order.index(other) - order.index(tag)))
    return read_json(FOLDER / closest[0] / f"{TEMPLATES}.json", Templates) if closest else None


def place(tag: str, output: str = "") -> Path:
    """The folder the files of a release go to: the given one, else among the project's own contracts."""
    return Path(output) if output else FOLDER / find(tag).tag
