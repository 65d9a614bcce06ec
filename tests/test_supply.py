"""What is shipped and what comes with it: the wheel, the sdist, the dependencies, their licences."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata

import pytest
from command import ROOT, environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOT_IMPORTED = {"docstring-parser"}
"""jsonargparse makes the help of fields' docstrings with it."""
WITH = {"markupsafe": "jinja2", "cycler": "matplotlib", "IPython": "ipykernel"}
"""Imported beside a package that cannot be without it."""


def name_of(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def imported():
    """Every top-level name that the package imports, wherever it does."""
    found = set()
    for path in (ROOT / "src" / "arzhang").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"arzhang"}


def test_every_dependency_serves_and_every_import_is_one():
    provides = metadata.packages_distributions()
    used = {module: {name_of(one) for one in provides.get(module, [module])} for module in imported()}
    required = {name_of(line) for line in PROJECT["dependencies"]}
    optional = {name_of(line) for lines in PROJECT["optional-dependencies"].values() for line in lines}
    unused = {one for one in required - NOT_IMPORTED if not any(one in owners for owners in used.values())}
    assert not unused, f"asked for, never imported: {unused}"
    known = required | optional
    stray = {module for module, owners in used.items() if not owners & known}
    assert all(WITH.get(module) in known for module in stray), f"imported, never asked for: {stray}"


def test_every_range_has_a_floor_and_malice_is_shut_out():
    floors = {name_of(line): line for line in PROJECT["dependencies"]}
    assert all(re.search(r">=\d", line) for line in floors.values())
    assert floors["lightning-fabric"] == "lightning-fabric>=2.6.6"
    assert "lightning" not in floors


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and sdist of the committed kind of files, built offline, with what must not get in lying about."""
    pytest.importorskip("hatchling")
    place = tmp_path_factory.mktemp("tree")
    for name in ("src", "tests", "docs", "theme", "bench"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "mkdocs.yml"):
        shutil.copy(ROOT / name, place)
    shutil.copy(ROOT / ".gitignore", place)
    (place / "src" / "arzhang" / "__pycache__").mkdir()
    (place / "src" / "arzhang" / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"x")
    (place / "runs").mkdir()
    (place / "runs" / "secret").write_text("x")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(place / "dist")]
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wheel, sdist = (next((place / "dist").glob(kind)) for kind in ("*.whl", "*.tar.gz"))
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(sdist) as archive:
        members = [one for one in archive.getmembers() if one.isfile()]
        in_sdist = {one.name.partition("/")[2]: archive.extractfile(one).read() for one in members}
    return in_wheel, in_sdist


def shipped(folder):
    """Files of a folder here that are shipped, by their name in it."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found if ".egg-info" not in path.as_posix()}


def test_the_wheel_is_the_package_and_nothing_else(built):
    wheel, _ = built
    package = {name for name in wheel if not name.split("/")[0].endswith(".dist-info")}
    assert package == {name.removeprefix("src/") for name in shipped("src")}
    for kind in (".css", ".html.j2", ".md", "py.typed"):  # what is read at run time and is no Python
        assert any(name.endswith(kind) for name in package), kind
    described = {name.partition("/")[2] for name in wheel if name not in package}
    assert described == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_sdist_is_enough_to_test_and_to_read(built):
    _, sdist = built
    for folder in ("src", "tests", "docs", "theme", "bench"):
        assert shipped(folder) <= sdist.keys(), folder
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "mkdocs.yml"} <= sdist.keys()
    assert not [name for name in sdist if name.startswith(("runs/", "dist/")) or name.endswith(".pyc")]


def test_nothing_shipped_names_a_place_on_this_machine(built):
    own = [str(ROOT).encode(), b"/root/", b"/home/runner"]
    for files in built:
        for name, content in files.items():
            assert not any(place in content for place in own) or name == "tests/test_supply.py", name


def test_licences_are_those_of_the_page():
    sys.path.insert(0, str(ROOT / "theme"))
    try:
        import licences
    finally:
        sys.path.pop(0)
    written = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| (\S+) \| (.+?) \|", written, re.MULTILINE))
    for line in PROJECT["dependencies"]:
        assert name_of(line) in listed, f"{name_of(line)}: not in docs/licences.md; `make licences`"
    for name in listed.keys() & licences.closure("arzhang").keys():
        assert listed[name] == licences.licence(name), f"{name}: docs/licences.md says otherwise; `make licences`"
    strict = [name for name, found in listed.items() if re.search(r"\bA?GPL", found) and "LGPL" not in found]
    assert not strict, f"copyleft that MIT code cannot require: {strict}"


def test_a_command_that_trains_imports_no_metrics_of_others():
    """Fabric would bring torchmetrics in, and with it transformers and scipy's signals: seconds, at every start."""
    code = (
        "import sys, arzhang.assembly; print({'torchmetrics', 'transformers'} & set(sys.modules)); import torchmetrics"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
