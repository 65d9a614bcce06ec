"""Notebooks: from a template with a line `# %%` before each cell, executed, with nothing of this machine in them."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import jinja2

from arzhang import __version__
from arzhang.errors import ArzhangError, UsageError
from arzhang.report.source import cut

PATIENCE = 600
"""Seconds that a kernel may take to start: a busy machine is slow to import things."""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def composed(template: str, **values: Any) -> Any:
    """A notebook from a template: `# %%` begins a cell of code, `# %% [markdown]` one of text, `# %% [source]` one of
    the package's own source, whose lines are `MODULE NAME NAME …`."""
    nbformat = _extra("nbformat")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("arzhang.publish", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["python"] = _python
    text = environment.get_template(template).render(version=__version__, **values)
    book = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for number, (kind, body) in enumerate(re.findall(r"^# %%(?: \[(\w+)\])?\n(.*?)(?=^# %%|\Z)", text, re.M | re.S)):
        body = body.strip("\n")
        if kind == "source":
            body = "\n\n\n".join(cut(*line.split()) for line in body.splitlines() if line.strip())
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = new(body)
        cell["id"] = f"cell-{number:02d}"  # drawn at random by nbformat: the same run gives the same notebook
        book["cells"].append(cell)
    return book


def _python(values: dict[str, Any]) -> str:
    """Options as keyword arguments."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def execute(book: Any, folder: Path) -> None:
    """Run every cell, top to bottom, in `folder`. Raises ArzhangError with what the first failing cell says."""
    nbclient, traitlets = _extra("nbclient"), _extra("traitlets.config")
    with tempfile.TemporaryDirectory() as private:  # a kernel writes its history and sockets where it is told to
        names = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")
        environment = os.environ | dict.fromkeys(names, private) | {"TERM": "dumb", "NO_COLOR": "1"}
        sockets = {"transport": "ipc", "ip": f"{private}/kernel"}  # files that others cannot read, and no open port
        client = nbclient.NotebookClient(
            book,
            timeout=None,
            startup_timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            config=traitlets.Config({"KernelManager": {} if os.name == "nt" else sockets}),
        )
        try:
            client.execute(env=environment)
        except nbclient.exceptions.CellExecutionError as error:
            raise ArzhangError(f"a cell of the notebook failed: {error.ename}: {error.evalue}") from None
        except (nbclient.exceptions.DeadKernelError, RuntimeError) as error:
            raise ArzhangError(f"the notebook's kernel died: {str(error).splitlines()[0]}") from None
    for cell in book["cells"]:  # stderr: bars and warnings, which are of this machine and speak of its paths
        if cell["cell_type"] == "code":
            cell["outputs"] = [one for one in cell["outputs"] if one.get("name") != "stderr"]


def write(book: Any, path: Path) -> None:
    """The notebook as a file, checked against its format."""
    nbformat = _extra("nbformat")
    nbformat.validate(book)
    nbformat.write(book, path)


def _extra(name: str) -> Any:
    import importlib

    try:
        if name == "nbclient":
            importlib.import_module("ipykernel")
        return importlib.import_module(name)
    except ImportError:
        raise UsageError("an executed notebook needs the extra: pip install 'arzhang[publish]'") from None
