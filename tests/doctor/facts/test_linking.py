"""Real ELF libraries, built here: two Open MPI builds side by side, mixed in every way people mix them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from doctor.facts.linking import Linking, cure, parse
from doctor.probes.libraries import files, reading
from environment.unknown import Unknown

SYMBOL = "opal_hwloc201_hwloc_get_type_depth"
OWN = f"int {SYMBOL}(void) {{ return 1; }} int opal_init(void) {{ return 0; }}"
PLAIN = "int opal_init(void) { return 0; }"
MPI = f"int {SYMBOL}(void); int opal_init(void); int MPI_Init(void) {{ return {SYMBOL}() + opal_init(); }}"
HPCX, DEBIAN, CONDA = "/opt/hpcx/ompi/lib", "/usr/lib/x86_64-linux-gnu", "/root/miniconda3/envs/x/lib"


def build(root: Path, folder: str, name: str, source: str, *flags: str) -> None:
    place = root / folder.lstrip("/")
    place.mkdir(parents=True, exist_ok=True)
    words = [
        "gcc",
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-o",
        str(place / name),
        "-xc",
        "-",
        "-xnone",
        f"-Wl,-soname,{name}",
        *flags,
    ]
    subprocess.run(words, input=source, text=True, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """HPC-X's Open MPI, whole, as NGC images carry it."""
    build(tmp_path, HPCX, "libopen-pal.so.40", OWN)
    build(tmp_path, HPCX, "libmpi.so.40", MPI, f"{tmp_path}{HPCX}/libopen-pal.so.40")
    return tmp_path


def look(root: Path, environment: tuple[str, ...] = (), *more: str) -> Linking | Unknown | None:
    paths = files(root, (*environment, HPCX, DEBIAN, CONDA, *more))
    return parse({"libraries": reading(root, environment, (), paths)}, "libraries")


def quarrel_of(linking: Linking | Unknown | None) -> tuple[str, str, str, str]:
    assert isinstance(linking, Linking)
    assert linking.quarrel is not None
    found = linking.quarrel
    assert found.symbol == SYMBOL
    return found.wanting, found.taken, found.fitting, cure(found)


def test_one_whole_build_fits(root: Path) -> None:
    linking = look(root, (HPCX,))
    assert linking == Linking(loaded=(f"{HPCX}/libmpi.so.40", f"{HPCX}/libopen-pal.so.40"), quarrel=None, damaged=())


def test_the_distributions_libopen_pal_before_hpcx(root: Path) -> None:
    build(root, DEBIAN, "libopen-pal.so.40", PLAIN)
    (root / DEBIAN.lstrip("/") / "libmpi.so.40").symlink_to(f"{root}{HPCX}/libmpi.so.40")
    mpi, pal = f"{DEBIAN}/libmpi.so.40", f"{DEBIAN}/libopen-pal.so.40"
    assert quarrel_of(look(root)) == (mpi, pal, f"{HPCX}/libopen-pal.so.40", "path")


def test_conda_before_everything(root: Path) -> None:
    build(root, CONDA, "libopen-pal.so.40", PLAIN)
    (root / HPCX.lstrip("/") / "libopen-pal.so.40").unlink()
    found = quarrel_of(look(root, (CONDA, HPCX)))
    assert found == (f"{HPCX}/libmpi.so.40", f"{CONDA}/libopen-pal.so.40", "", "conda")


def test_only_the_distributions_is_left(root: Path) -> None:
    build(root, DEBIAN, "libopen-pal.so.40", PLAIN)
    (root / HPCX.lstrip("/") / "libopen-pal.so.40").unlink()
    assert quarrel_of(look(root, (HPCX,)))[1:] == (f"{DEBIAN}/libopen-pal.so.40", "", "package")


def test_a_stray_build_somewhere_else(root: Path) -> None:
    build(root, "/usr/local/lib", "libopen-pal.so.40", PLAIN)
    (root / HPCX.lstrip("/") / "libopen-pal.so.40").unlink()
    assert quarrel_of(look(root, ("/usr/local/lib", HPCX)))[3] == "rebuild"


@pytest.mark.parametrize(
    ("flags", "environment", "fits"),
    [
        (("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN"), (DEBIAN, HPCX), True),  # RPATH comes before LD_LIBRARY_PATH
        (("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN"), (DEBIAN, HPCX), False),  # RUNPATH after it
        (("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN"), (HPCX,), True),
    ],
    ids=["rpath", "runpath", "runpath-alone"],
)
def test_the_order_is_the_dynamic_linkers(
    root: Path, flags: tuple[str, ...], environment: tuple[str, ...], fits: bool
) -> None:
    build(root, DEBIAN, "libopen-pal.so.40", PLAIN)
    build(root, HPCX, "libmpi.so.40", MPI, f"{root}{HPCX}/libopen-pal.so.40", *flags)
    linking = look(root, environment)
    assert isinstance(linking, Linking)
    assert (linking.quarrel is None) is fits


def test_no_mpi_is_nothing_to_judge(tmp_path: Path) -> None:
    assert look(tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", b"not a library", b"\x7fELF\x02\x01\x01" + b"\xff" * 600])
def test_damaged_libraries_are_unknown(root: Path, damage: bytes) -> None:
    (root / HPCX.lstrip("/") / "libmpi.so.40").write_bytes(damage)
    assert isinstance(look(root, (HPCX,)), Unknown)


def test_every_truncation_is_survived(root: Path) -> None:
    whole = (root / HPCX.lstrip("/") / "libmpi.so.40").read_bytes()
    for size in range(0, len(whole), 97):
        (root / HPCX.lstrip("/") / "libmpi.so.40").write_bytes(whole[:size])
        look(root, (HPCX,))
