"""`make licences`: docs/licences.md, what an installed Arzhang is made of and under which licence each part comes."""

import re
import sys
from importlib import metadata
from pathlib import Path

HEAD = """# Licences

Arzhang is under the MIT licence. It installs these packages, which come by themselves under licences of their own, as
each says in its metadata. `make licences` writes this page.

| Package | Licence | Asked for by |
|---|---|---|
"""
NAMES = {
    "mit license": "MIT", "bsd license": "BSD", "apache software license": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0", "python software foundation license": "PSF-2.0",
}  # fmt: skip


def canonical(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(name: str) -> list[str]:
    """What a package needs, its extras and the vendor's libraries of one kind of device left out."""
    found = []
    for line in metadata.requires(name) or ():
        if "extra" not in line.partition(";")[2]:
            found.append(canonical(re.match(r"[\w.-]+", line)[0]))
    return [one for one in found if not one.startswith(("nvidia-", "cuda-")) and one != "triton"]


def closure(root: str) -> dict[str, set[str]]:
    """Every package under `root` that is installed, with those that ask for it."""
    asked: dict[str, set[str]] = {}
    waiting = [root]
    while waiting:
        owner = waiting.pop()
        for name in wanted(owner):
            try:
                metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue  # of another system or an older Python
            if name not in asked:
                waiting.append(name)
            asked.setdefault(name, set()).add(owner)
    return asked


def licence(name: str) -> str:
    """By the expression, the classifiers, or the first line of the text; raises LookupError where it says nothing."""
    told = metadata.metadata(name)
    classified = [line.split(" :: ")[-1] for line in told.get_all("Classifier", ()) if line.startswith("License :: ")]
    classified = [one for one in classified if one != "OSI Approved"]
    first = (told.get("License") or "").strip().splitlines()[:1]
    for found in (told.get("License-Expression"), " or ".join(classified), *first):
        if found and found != "UNKNOWN":
            return NAMES.get(found.lower(), found)
    raise LookupError(f"{name}: its metadata name no licence")


def page() -> str:
    """The whole page."""
    asked = closure("arzhang")
    rows = [f"| {name} | {licence(name)} | {', '.join(sorted(asked[name]))} |" for name in sorted(asked)]
    return HEAD + "\n".join(rows) + "\n\nOn a machine with a GPU, torch brings its vendor's libraries besides.\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
