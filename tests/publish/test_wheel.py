"""The wheel that bundles carry: installable, whole, the same wherever it is packed."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from importlib import metadata, resources

from command import environment

from arzhang.publish import wheel


def test_it_installs_and_answers_without_the_source(tmp_path):
    packed = wheel.pack(tmp_path)
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*words, "--target", tmp_path / "site", packed], check=True, env=environment(), timeout=120)
    told = subprocess.run(
        [sys.executable, "-c", "import arzhang, arzhang.recipes; print(arzhang.__file__, arzhang.recipes.VAE().beta)"],
        env=environment(PYTHONPATH=str(tmp_path / "site")), cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == [str(tmp_path / "site" / "arzhang" / "__init__.py"), "1.0"]


def test_it_holds_every_file_of_the_package_with_its_hash(tmp_path):
    with zipfile.ZipFile(wheel.pack(tmp_path)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    record = f"arzhang-{metadata.version('arzhang')}.dist-info/RECORD"
    listed = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(content[record].decode()))}
    assert listed.keys() == content.keys()
    for name in content.keys() - {record}:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).rstrip(b"=").decode()
        assert listed[name] == (f"sha256={digest}", str(len(content[name])))
    package = resources.files("arzhang")
    for name in ("cli.py", "report/style.css", "report/template.html.j2", "publish/templates/card.md.j2", "py.typed"):
        assert content[f"arzhang/{name}"] == package.joinpath(name).read_bytes()
    assert not [name for name in content if "__pycache__" in name or "direct_url" in name or "INSTALLER" in name]


def test_the_same_package_gives_the_same_bytes(tmp_path):
    (tmp_path / "other").mkdir()
    assert wheel.pack(tmp_path).read_bytes() == wheel.pack(tmp_path / "other").read_bytes()
