"""The verbs: parse, call, print. No logic of its own, and no torch until a verb runs."""

import dataclasses
import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from arzhang import recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.options import (
    Check,
    Checkpoint,
    Compare,
    Data,
    Demo,
    Doctor,
    Eject,
    Evaluate,
    Explain,
    Export,
    Features,
    Imagined,
    Pictures,
    Publish,
    Reconstruct,
    Report,
    Reproduce,
    Resume,
    Sample,
    Score,
    Study,
    Sweep,
    Train,
    Translate,
    Walk,
)
from arzhang.recipes import SYSTEMS
from arzhang.studies.options import STUDIES

Words = list[str]


def options(verb: str, words: Words, *kinds: type, positional: Sequence[str] = (), about: str = "") -> list[Any]:
    """Parse the words after a verb: the positional ones, then one object of options for each kind."""
    words = _joined(recipes.take_config(words))
    parser = recipes.parser(kinds[0], prog=f"arzhang {verb}", description=about)
    for kind in kinds[1:]:
        recipes.add_fields(parser, kind)
    for name in positional:
        many: dict[str, Any] = {"nargs": {"…": "+", "?": "?"}[name[-1]]} if name[-1] in "…?" else {}
        parser.add_argument(name.lower(), metavar=name.rstrip("?"), type=str, **many)
    values = vars(parser.parse_args(words))
    found: list[Any] = [values[name.lower()] for name in positional]
    for kind in kinds:
        found.append(kind(**{field.name: _plain(values[field.name]) for field in dataclasses.fields(kind)}))
    return found


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _joined(words: Words) -> Words:
    """`--mu -3:3:41` as `--mu=-3:3:41`, since what begins with a dash and is no number would be taken for a flag."""
    result: Words = []
    for word in words:
        lone = result and result[-1].startswith("--") and "=" not in result[-1]
        if lone and re.match(r"-[\d.]", word) and not re.fullmatch(r"-\d*\.?\d*(e-?\d+)?", word):
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def say(line: str) -> None:
    """One line to the user."""
    print(line, flush=True)


# ------------------------------------------------------------------------------------------------------- verbs


def train(words: Words) -> None:
    """train a system: `arzhang train vae [--dataset NAME | --data DIR] [--beta 1] [--config FILE] …`"""
    system, *rest = words or [""]
    if system in ("", "-h", "--help"):
        return say("usage: arzhang train SYSTEM [options]\nsystems: " + ", ".join(recipes.SYSTEMS))
    if system not in recipes.SYSTEMS:
        raise UsageError(f"train {system}: no such system; there are: {', '.join(recipes.SYSTEMS)}")
    kind = recipes.SYSTEMS[system]
    recipe, where = options(f"train {system}", rest, kind, Train, about="Train; --config FILE reads options from YAML.")
    from arzhang import assembly

    run = assembly.train(recipe, where.out, overwrite=where.overwrite, go_on=where.go_on, notify=say)
    finished(run)
    return None


def resume(words: Words) -> None:
    """go on with an interrupted run, or train it longer: `arzhang resume RUN [--epochs N]`"""
    path, changes = options("resume", words, Resume, positional=["RUN"], about=resume.__doc__ or "")
    from arzhang import assembly

    wanted = {name: value for name, value in dataclasses.asdict(changes).items() if value is not None}
    finished(assembly.resume(path, notify=say, **wanted))


def finished(run: Any) -> None:
    """What a training came to, and what to do next; said once, whatever the number of ranks."""
    if int(os.environ.get("LOCAL_RANK", "0")) or int(os.environ.get("RANK", "0")):
        return
    last = [entry for entry in run.metrics() if entry["split"] == "validation"][-1]
    terms = ", ".join(
        f"{name.replace('_', ' ')} {value:.2f}"
        for name, value in last.items()
        if name not in ("step", "epoch", "split", "seconds")
    )
    say(f"{run.path}: {last['epoch']} epochs in {last['seconds']:.0f} s; validation {terms or 'not held out'}")
    say(f"next: arzhang evaluate {run.path}; arzhang report {run.path}")


def evaluate(words: Words) -> None:
    """measure a run on its test part: eval.json and figures/"""
    path, how, seen = options("evaluate", words, Evaluate, Features, positional=["RUN"], about=evaluate.__doc__ or "")
    from arzhang import devices, evaluation, sharing
    from arzhang.report import diagnosis

    earlier = None if how.baseline is None else evaluation.read(Path(how.baseline))  # it may be this run's own
    with devices.ranks(how.accelerator, how.devices, how.nodes) as device:
        found = evaluation.evaluate(
            path,
            samples=how.samples,
            seed=how.seed,
            checkpoint=how.checkpoint,
            device=device,
            metrics=how.metrics,
            n=how.n,
            extractor=_extractor(seen, device),
            diagnose=how.diagnose,
            judge=how.segmenter,
            told_by=how.classifier,
            notify=say if sharing.first() else _quiet,
        )
        if not sharing.first():
            return
    _tell(found)
    say(f"written: {Path(path) / evaluation.EVALUATION}")
    if how.diagnose:
        folder = Path(path) / evaluation.DIAGNOSES
        made = sorted(path.parent for path in folder.glob(f"*/{diagnosis.FILE}"))
        say(f"written: {diagnosis.write(made, folder / 'index.html', how.language)}")
    if earlier is not None:
        _beside(found, earlier, str(how.baseline))


def _extractor(seen: Features, device: Any) -> Callable[[], Any]:
    """The feature network, found when it is needed."""

    def found() -> Any:
        from arzhang import evaluation

        return evaluation.extractor(seen.features, seen.protocol, seen.weights, seen.feature_precision, device)

    return found


def _beside(found: Mapping[str, Any], earlier: Mapping[str, Any], where: str) -> None:
    """How far each number is above an earlier one."""
    from arzhang.metrics import scores

    differences = scores.differences(found, earlier, where)
    say(f"above {where}:")
    _tell(differences)


def _tell(metrics: Mapping[str, Any]) -> None:
    width = max(len(name) for name in metrics)
    for name, metric in metrics.items():
        spread = f" ± {metric['uncertainty']:.2g}" if metric["uncertainty"] else ""  # 0 of few that are equal is none
        say(f"{name.replace('_', ' '):>{width}} {metric['value']:.4f}{spread} {metric['unit']} (n = {metric['n']:,})")


def score(words: Words) -> None:
    """two folders of images, ours or not: `arzhang score REAL MADE --metrics fid kid prdc [--json]`"""
    about = "Judge the images of MADE by those of REAL."
    real, made, how, seen = options("score", words, Score, Features, positional=["REAL", "MADE"], about=about)
    from arzhang import devices, evaluation, scoring, sharing
    from arzhang.metrics import scores
    from arzhang.report import diagnosis

    out = Path(how.diagnose) if how.diagnose else None
    earlier = None if how.baseline is None else evaluation.read(Path(how.baseline))
    with devices.ranks(how.accelerator, how.devices, how.nodes) as device:
        found = scoring.score(
            Path(real),
            Path(made),
            how.metrics,
            _extractor(seen, device),
            size=how.size,
            n=how.n,
            seed=how.seed,
            diagnose_in=out,
            notify=_quiet if how.json else say,
        )
        if not sharing.first():
            return None
    page = None if out is None else diagnosis.write([out], out / "index.html", how.language)
    if how.json:
        if earlier is not None:
            for name, metric in scores.differences(found, earlier, str(how.baseline)).items():
                above = {"difference": metric["value"], "uncertainty": metric["uncertainty"]}
                found[name]["baseline"] = {"value": earlier[name]["value"], **above}
        return say(json.dumps(found, indent=2))
    _tell(found)
    if page is not None:
        say(f"written: {page}")
    return None if earlier is None else _beside(found, earlier, str(how.baseline))


def _quiet(_: str) -> None:
    pass


def sample(words: Words) -> None:
    """images made of noise: `arzhang sample RUN -n 100 --seed 0 [--label NAME]`"""
    path, how = options("sample", words, Sample, positional=["RUN"], about=sample.__doc__ or "")
    from arzhang import pictures

    one = "samples" if how.component is None else f"component-{how.component}"
    name = one if how.label is None else f"class-{re.sub(r'[^a-z0-9]+', '-', how.label.lower())}"
    where = _where(path, how, f"{name}.png")
    say(f"written: {pictures.samples(path, how.n, how.seed, *where, component=how.component, label=how.label)}")


def reconstruct(words: Words) -> None:
    """test images, or your own, beside their reconstructions"""
    path, how = options("reconstruct", words, Reconstruct, positional=["RUN"], about=reconstruct.__doc__ or "")
    from arzhang import pictures

    where = _where(path, how, "reconstruct.png")
    say(f"written: {pictures.reconstructions(path, how.n, how.data, *where, notify=say)}")


def interpolate(words: Words) -> None:
    """the way through the latent from one test image to another"""
    path, how = options("interpolate", words, Walk, positional=["RUN"], about=interpolate.__doc__ or "")
    from arzhang import pictures

    where = _where(path, how, "interpolation.png")
    say(f"written: {pictures.interpolations(path, how.n, how.steps, how.seed, *where, notify=say)}")


def traverse(words: Words) -> None:
    """what each active latent unit does to a test image, the most active first"""
    path, how = options("traverse", words, Walk, positional=["RUN"], about=traverse.__doc__ or "")
    from arzhang import pictures

    where = _where(path, how, "traversal.png")
    say(f"written: {pictures.traversals(path, how.n, how.steps, how.seed, *where, notify=say)}")


def translate(words: Words) -> None:
    """images through a trained pix2pix or cyclegan: `arzhang translate RUN IMAGE|DIR [--out DIR]`"""
    about = "Translate an image, or every image of a folder; RUN may be a *_net_G.pth of the public port."
    path, source, how = options("translate", words, Translate, positional=["RUN", "IMAGE"], about=about)
    from arzhang import devices, translation

    written = translation.translate(
        path,
        Path(source),
        Path(how.out),
        fit=how.fit,
        side=how.side,
        seed=how.seed,
        dropout=how.dropout,
        checkpoint=how.checkpoint,
        device=devices.device(how.accelerator),
        notify=say,
    )
    say(f"written: {written[0] if len(written) == 1 else f'{len(written)} images in {how.out}'}")


def explain(words: Words) -> None:
    """networks as tables and drawings: `arzhang explain SYSTEM|RUN [NETWORK] [--out FILE.svg]`"""
    about = explain.__doc__ or ""
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    named, rest = words[:first], words[first:]
    if named and named[0] in ("generator", "discriminator"):  # pix2pix's, which the assignment asks for
        named = ["pix2pix", *named]
    if len(named) not in (1, 2):
        return say(f"usage: arzhang explain SYSTEM|RUN [NETWORK] [options]\n{about}\nsystems: {', '.join(SYSTEMS)}")
    which, name = named[0], named[1] if len(named) == 2 else None
    verb = f"explain {' '.join(named)}"
    if which in SYSTEMS:
        sized = ["--size", "256"] if which in ("pix2pix", "cyclegan") else []  # the papers'; typed flags come later
        recipe, given, how = options(verb, [*sized, *rest], SYSTEMS[which], Imagined, Explain, about=about)
    elif Path(which).is_dir():
        of, how = options(verb, rest, Checkpoint, Explain, about=about)
    else:
        near = recipes.nearest(which, SYSTEMS)
        raise UsageError(f"explain {which}: neither a run nor a system{near}; systems: {', '.join(SYSTEMS)}")
    from arzhang import explain as networks

    if which in SYSTEMS:
        found = networks.of_recipe(recipe, given.channels, given.classes)
    else:
        found = networks.of_run(Path(which), of.checkpoint)
    found = networks.chosen(found, name)
    for one in found:
        say(f"{one.title}\n\n{networks.table(one)}\n" if len(found) > 1 else networks.table(one))
    if how.out:
        from arzhang.explain import drawing

        say("\n".join(f"written: {path}" for path in drawing.write(found, Path(how.out))))
    return None


def _where(path: str, how: Pictures, name: str) -> tuple[Path, str, Any]:
    from arzhang import devices

    return Path(how.out) if how.out else Path(path) / "figures" / name, how.checkpoint, devices.device(how.accelerator)


def report(words: Words) -> None:
    """one self-contained HTML page of a run"""
    path, how = options("report", words, Report, positional=["RUN"], about=report.__doc__ or "")
    from arzhang.report import run_page

    written = run_page.write(Path(path), Path(how.out) if how.out else None, how.language)
    say(f"written: {written}")
    if how.pdf:
        from arzhang.report import pdf

        say(f"written: {pdf.write(written)}")


def compare(words: Words) -> None:
    """which is better: `arzhang compare RUN_A RUN_B`, or groups of seeds: `arzhang compare A0 A1 --with B0 B1`"""
    about = "Is one recipe better than another? Runs of one recipe with other seeds count as one group."
    runs, how = options("compare", words, Compare, positional=["RUN…"], about=about)
    from arzhang import compare as comparison
    from arzhang.report import page

    first, *others = comparison.groups(runs, how.against)
    found = [comparison.compare(first, other, how.worth) for other in others]
    if how.json:
        plain = [comparison.as_json(one) for one in found]
        say(json.dumps(plain[0] if len(plain) == 1 else plain, indent=2))
    for line in [] if how.json else [line for one in found for line in comparison.text(one)]:
        say(line)
    if how.out is not None:
        sections = [comparison.section(one, how.language) for one in found]
        path = page.write_page(Path(how.out), sections[0].title, sections, how.language)
        print(f"written: {path}", file=sys.stderr if how.json else sys.stdout)


def doctor(words: Words) -> None:
    """what looks wrong in a run, why, and what to do: `arzhang doctor RUN [--json]`"""
    path, how = options("doctor", words, Doctor, positional=["RUN"], about=doctor.__doc__ or "")
    from arzhang import doctor as practice

    found = practice.diagnose(path)
    if how.json:
        return say(json.dumps([one._asdict() for one in found], indent=2))
    for line in practice.text(path, found):
        say(line)
    return None


def demo(words: Words) -> None:
    """see it work in the browser: `arzhang demo [RUN] [--open] [--build DIR]`; without RUN, paint a street"""
    path, how = options("demo", words, Demo, positional=["RUN?"], about=demo.__doc__ or "")
    if how.build is not None:
        from arzhang.demo.build import build

        return say(f"written: {build(path, how.build, checkpoint=how.checkpoint, notify=say)}")
    from arzhang import demo as page
    from arzhang import devices

    device = devices.device(how.accelerator)
    page.serve(path, host=how.host, port=how.port, open=how.open, checkpoint=how.checkpoint, device=device, notify=say)
    return None


def eject(words: Words) -> None:
    """a run as one readable file that needs only torch: `arzhang eject RUN [--out train.py]`"""
    path, how = options("eject", words, Eject, positional=["RUN"], about=eject.__doc__ or "")
    from arzhang import eject as listing

    say(f"written: {listing.eject(path, how.out, overwrite=how.overwrite, notify=say)}")


def export(words: Words) -> None:
    """a trained model outside Python: `arzhang export RUN --format onnx | torch-export | safetensors [--fp16]`"""
    path, how = options("export", words, Export, positional=["RUN"], about=export.__doc__ or "")
    from arzhang import export as exporting

    say(f"written: {exporting.export(path, **dataclasses.asdict(how), notify=say)}")


def study(words: Words) -> None:
    """observe and explain: `arzhang study gradients | beta | …`: figures, JSON, a page"""
    name, *rest = words or [""]
    if name in ("", "-h", "--help"):
        return say(f"usage: arzhang study NAME [options]\n{_overview_of(STUDIES)}")
    if name not in STUDIES:
        near = recipes.nearest(name, STUDIES)
        raise UsageError(f"study {name}: no such study{near}; there are: {', '.join(STUDIES)}")
    about = (STUDIES[name].__doc__ or "").strip()
    how, where = options(f"study {name}", rest, STUDIES[name], Study, about=about)
    out = Path(where.out or Path("studies") / name)
    from arzhang.report import study_page

    importlib.import_module(f"arzhang.studies.{name}").study(how, out, notify=say)
    say(f"written: {study_page.write(out, where.language)}")
    return None


def sweep(words: Words) -> None:
    """train one recipe many times: `arzhang sweep vae --weight 0.1 1 10 [--seed 0 1 2] …`, a table and a figure"""
    system, *rest = words or [""]
    if system in ("", "-h", "--help") or {"-h", "--help"} & set(rest):
        return say(
            "usage: arzhang sweep SYSTEM --OPTION VALUE VALUE … [other options of `arzhang train SYSTEM`]\n"
            f"systems: {', '.join(recipes.SYSTEMS)}; options of the sweep itself: --out, --samples, --metrics, "
            "--features, -n, --processes, --together, --ray"
        )
    if system not in recipes.SYSTEMS:
        raise UsageError(f"sweep {system}: no such system; there are: {', '.join(recipes.SYSTEMS)}")
    own = [field.name for field in dataclasses.fields(Sweep)]
    typed, several = recipes.swept(recipes.SYSTEMS[system], rest, own)
    if twice := next((option for option, found in several.items() if len(set(map(str, found))) < len(found)), None):
        raise UsageError(f"sweep: {recipes.flag(twice)} has a value twice")
    if not several:
        raise UsageError("sweep: give at least one option several values, such as --weight 0.1 1 10")
    recipe, how = options(f"sweep {system}", typed, recipes.SYSTEMS[system], Sweep)
    out = Path(how.out or Path("sweeps") / system)
    from arzhang import sweep as many
    from arzhang.report import study_page

    unlike = {
        f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe) if getattr(recipe, f.name) != f.default
    }
    shared = recipes.as_flags(unlike)
    wanted = {name: value for name, value in dataclasses.asdict(how).items() if name not in ("out", "language")}
    many.sweep(system, shared, several, out, **wanted, notify=say)
    say(f"written: {study_page.write(out, how.language)}")
    return None


def _overview_of(kinds: Mapping[str, type]) -> str:
    return "\n".join(f"  {name:12} {(kind.__doc__ or '').strip().splitlines()[0]}" for name, kind in kinds.items())


def reproduce(words: Words) -> None:
    """the assignment in one command and one page"""
    (how,) = options("reproduce", words, Reproduce, about=reproduce.__doc__ or "")
    from arzhang import reproduce as whole

    found = whole.reproduce(
        how.budget, Path(how.out), only=how.only, language=how.language, teach=how.teach, processes=how.processes,
        notify=say,
    )  # fmt: skip
    say(f"written: {found}")
    if not how.only:
        from arzhang import publish as publishing

        publishing.leave(sorted(found.parent.glob("index*.html")), found.parent, notify=say)


def publish(words: Words) -> None:
    """what others can read, run and load: `arzhang publish RUN|DIR --to kaggle | huggingface | article | notebook`"""
    path, how = options("publish", words, Publish, positional=["RUN"], about=publish.__doc__ or "")
    if how.to is None:
        raise UsageError("publish: give --to kaggle, huggingface, article or notebook")
    from arzhang import publish as publishing

    wanted = {field.name: getattr(how, field.name) for field in dataclasses.fields(how) if field.name != "out"}
    publishing.publish(Path(path), out=Path(how.out) if how.out else None, **wanted, notify=say)


def check(words: Words) -> None:
    """your own answer to an exercise, run and explained: `arzhang check FILE.py[:NAME] | DIR [--id 1c] [--show]`"""
    from arzhang import check as tutor

    bare = any(word.split("=")[0] in ("--show", "--blanks") for word in words)
    about = "Runs FILE, in a process of its own, compares it with the exact truth, and says what is wrong."
    *paths, how = options("check", words, Check, positional=["FILE?" if bare else "FILE"], about=about)
    if how.blanks is not None:
        return say(f"written: {tutor.write_blanks(Path(how.blanks))}")
    if how.show:
        return say(tutor.shown(how.id))
    limits = tutor.Limits(how.seconds, how.memory)
    found = tutor.check(paths[0], how.id, limits, notify=_quiet if how.json else say)
    if how.json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
    if not found["right"]:
        raise SystemExit(1)  # all is said already
    return None


def data(words: Words) -> None:
    """data sets: `arzhang data list`, `arzhang data fetch NAME`, `arzhang data show NAME|DIR|ZIP`"""
    action, *rest = words or ["--help"]
    if action in ("-h", "--help"):
        return say(f"usage: arzhang data list | fetch NAME | show NAME|DIR|ZIP\n{data.__doc__}")
    if action not in ("list", "fetch", "show"):
        raise UsageError(f"data {action}: no such action; there are: list, fetch, show")
    positional = [] if action == "list" else ["NAME"]
    *names, how = options(f"data {action}", rest, Data, positional=positional, about=data.__doc__ or "")
    from arzhang.data import images, pairs, sources

    if action == "list":
        for name, source in sources.SOURCES.items():
            here = sources.locate(name, how.data_root)
            where = next(iter(here.values())).parent if here else f"not here yet: arzhang data fetch {name}"
            say(f"{name:14} {source.title}: {where}")
        say(f"{images.DRAWN:14} shapes with known factors: made here from a seed")
        for name, title in pairs.BUILT_IN.items():
            say(f"{name:14} pairs: {title}")
        return None
    if action == "fetch":
        return say(f"{names[0]}: {pairs.fetch(names[0], how.data_root, notify=say)}")
    paired = how.pairs == "yes" or (how.pairs == "auto" and pairs.looks_paired(names[0]))
    if paired:
        shown = pairs.load(data=names[0], size=how.size, scenes=3, validation=1, data_root=how.data_root, notify=say)
        path = Path(how.out or "pairs.png")
        pairs.sheet(shown.train, 3, path)
        return say(f"written: {path}")
    known = names[0] in images.BUILT_IN
    parts = images.load(
        dataset=names[0] if known else None,
        data=None if known else names[0],
        size=how.size,
        data_root=how.data_root,
        notify=say,
    )
    path = Path(how.out or "contact-sheet.png")
    images.contact_sheet(parts.train, 100, path)
    return say(f"written: {path}")


VERBS: dict[str, Callable[[Words], None]] = {
    verb.__name__: verb
    for verb in (
        train,
        resume,
        evaluate,
        score,
        sample,
        reconstruct,
        interpolate,
        traverse,
        translate,
        explain,
        report,
        compare,
        doctor,
        demo,
        eject,
        export,
        study,
        sweep,
        reproduce,
        check,
        publish,
        data,
    )
}


def overview() -> None:
    """Bare `arzhang`: the device it would use, what data is at hand, and three commands to try."""
    import torch

    from arzhang import __version__, devices
    from arzhang.data import sources

    device = devices.device("auto")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    say(f"Arzhang {__version__}: generative models, measured and explained\n\ndevice  {device.type} ({name})")
    for one, source in sources.SOURCES.items():
        say(f"data    {source.title}: {'here' if sources.locate(one) else f'arzhang data fetch {one}'}")
    say("data    sprites, and pairs: streets, edges2fashion: made here when asked for; cityscapes: arzhang data list")
    say("\ntry     arzhang train vae --epochs 5\n        arzhang reproduce\n        arzhang --help")


def usage() -> None:
    """`arzhang --help`."""
    say("usage: arzhang VERB …   (arzhang VERB --help says more; --debug shows tracebacks)\n")
    for name, verb in VERBS.items():
        say(f"  {name:12} {verb.__doc__}")


def run(words: Words) -> None:
    """Do what the words say."""
    if not words:
        return overview()
    verb, *rest = words
    if verb in ("-h", "--help"):
        return usage()
    if verb == "--version":
        from arzhang import __version__

        return say(__version__)
    if verb not in VERBS:
        near = recipes.nearest(verb, VERBS)
        raise UsageError(f"{verb}: no such verb{near}; `arzhang --help` lists them")
    return VERBS[verb](rest)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped by a signal with the state saved."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    try:
        run([word for word in words if word != "--debug"])
        return 0
    except KeyboardInterrupt:
        return fail("stopped", 130, debug)
    except ArzhangError as error:
        return fail(str(error), getattr(error, "exit_code", 2 if isinstance(error, UsageError) else 1), debug)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return fail(f"{where}{error.strerror or error}", 1, debug)
    except MemoryError:
        return fail("out of memory: a smaller --batch-size or --size takes less", 1, debug)
    except RuntimeError as error:
        if type(error).__name__ == "OutOfMemoryError":  # the device's; torch may not be imported here
            return fail("the device is out of memory: a smaller --batch-size or --size takes less", 1, debug)
        if "DefaultCPUAllocator" in str(error) or "bad allocation" in str(error):  # torch's name for a MemoryError
            return fail("out of memory: a smaller --batch-size or --size takes less", 1, debug)
        if "can't start new thread" in str(error):
            return fail("no memory for another thread, or no more threads are allowed (ulimit -v, -u)", 1, debug)
        raise


def fail(message: str, code: int, debug: bool) -> int:
    """Say what went wrong, in one line, with the traceback where it was asked for."""
    if debug:
        traceback.print_exc()
    print(f"arzhang: {message}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
