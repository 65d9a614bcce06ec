"""The options of the verbs, as `recipes` has those of the systems: frozen dataclasses of plain values. No torch.

A field's docstring is its `--help`.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True)
class Train:
    """Where the run goes"""

    out: str | None = None
    """run directory to make; none: the next free one in runs/"""
    overwrite: bool = False
    """put the new run in the place of an old one"""
    go_on: bool = False
    """where --out holds a run of these options already, go on with it: for what starts a command again, such as
    torchrun --max-restarts or a queue"""


@dataclass(frozen=True, kw_only=True)
class Resume:
    """What may change when a run goes on"""

    epochs: int | None = None
    """train to this epoch instead; schedules are computed anew"""
    data: str | None = None
    """where its images lie now: the same ones"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] | None = None
    """another kind of device"""
    devices: int | None = None
    """another number of devices a node"""
    nodes: int | None = None
    """another number of machines"""
    deterministic: bool | None = None
    """from here on with operations that give the same bits each time, or without"""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Which state of a run"""

    checkpoint: Literal["best", "last"] = "best"
    """best by validation, or the last one"""


@dataclass(frozen=True, kw_only=True)
class Trained(Checkpoint):
    """Which model, and where it runs"""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Who measures, and what with"""

    devices: int = 1
    """devices a node, one rank each; the feature network's work is shared out among them"""
    nodes: int = 1
    """machines (start one process a device yourself, with torchrun or SLURM)"""
    baseline: str | None = None
    """earlier numbers to compare with: a JSON file of `score --json`, or a run; refused where a protocol differs"""


@dataclass(frozen=True, kw_only=True)
class Evaluate(Trained, Measured):
    """How the numbers are made"""

    samples: int = 128
    """importance samples an image for log p(x)"""
    seed: int = 0
    """of the noise"""
    metrics: tuple[str, ...] = ()
    """image metrics of reconstructions, samples and the floor: fid, fid-infinity, kid, prdc, inception-score,
    sliced-wasserstein"""
    n: int | None = None
    """images of each kind that image metrics compare; none: 10,000, or all of the test part"""
    segmenter: str | None = None
    """a run of `arzhang train segmenter` on the same data, for the FCN-score of a translator"""
    classifier: str | None = None
    """a run of `arzhang train classifier` on the same data, which says what class a cgan's images are of"""
    diagnose: bool = False
    """leave a page in the run of what lies behind the distances: parts, classes, worst images, likely copies"""
    language: Literal["en", "fa"] = "en"
    """of that page: English or Persian"""


@dataclass(frozen=True, kw_only=True)
class Features:
    """What image metrics see"""

    protocol: Literal["tf1", "pytorch-fid", "clean"] = "pytorch-fid"
    """how images are resized, rounded and normalised for the Inception network"""
    features: str = "inception"
    """inception; dinov2 or clip (need the extra 'hub'); or a run of `arzhang train classifier`, fast, in its own
    domain; all but inception give an FD, not an FID"""
    weights: str | None = None
    """file of the FID Inception network, or folder of the DINOv2 or CLIP model; none: the cache, an installed package,
    the public release"""
    feature_precision: Literal["float32", "bfloat16"] = "float32"
    """the network's numbers; bfloat16 is two to three times as fast where the processor knows it"""


@dataclass(frozen=True, kw_only=True)
class Score(Measured):
    """Which metrics, of how many images"""

    metrics: tuple[str, ...] = ("fid", "kid")
    """fid, fid-infinity, kid, prdc, inception-score, sliced-wasserstein"""
    n: int | None = None
    """the first n images of each folder; none: all"""
    size: int | None = None
    """side to which images are brought first; needed where their sizes differ"""
    seed: int = 0
    """of random directions and subsets"""
    json: bool = False
    """print JSON"""
    diagnose: str | None = None
    """folder for a page of what lies behind the distance: parts, classes (subfolders), worst images, likely copies"""
    language: Literal["en", "fa"] = "en"
    """of that page: English or Persian"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


@dataclass(frozen=True, kw_only=True)
class Pictures(Trained):
    """Which pictures, and where they go"""

    out: str | None = None
    """a .png file for one sheet, or a folder for single images; none: the run's figures/"""
    seed: int = 0
    """of the noise"""


@dataclass(frozen=True, kw_only=True)
class Sample(Pictures):
    """Which pictures, and where they go"""

    n: int = 100
    """how many images"""
    component: int | None = None
    """of a VAE's mixture prior, this component's alone, counted from 0"""
    label: str | None = None
    """of a cgan, this class's alone: its name, or its number, counted from 0"""


@dataclass(frozen=True, kw_only=True)
class Reconstruct(Pictures):
    """Which pictures, and where they go"""

    n: int = 100
    """how many test images"""
    data: str | None = None
    """folder of your own images, in place of the run's test part"""


@dataclass(frozen=True, kw_only=True)
class Walk(Pictures):
    """Which pictures, and where they go"""

    n: int = 8
    """how many rows at most"""
    steps: int = 11
    """images in a row"""


@dataclass(frozen=True, kw_only=True)
class Translate(Trained):
    """How images are brought to the model, and where results go"""

    out: str = "translated"
    """folder of the results, one PNG an image; or, for a single image, a .png file"""
    fit: Literal["resize", "pad", "tile"] = "resize"
    """an image of another size: resize it to the model's, pad it, or translate it in blended tiles"""
    side: Literal["whole", "left", "right"] = "whole"
    """of side-by-side files, the half to translate"""
    seed: int = 0
    """of dropout's noise"""
    dropout: bool | None = None
    """dropout on or off; without: as the run says"""


@dataclass(frozen=True, kw_only=True)
class Imagined:
    """Of data that are not there"""

    channels: int | None = None
    """of the images; none: 3 of pairs, 1 of single images"""
    classes: int = 10
    """of the data set"""


@dataclass(frozen=True, kw_only=True)
class Explain:
    """Where the drawing goes"""

    out: str | None = None
    """FILE.svg or FILE.png to draw into (both are written; of several networks one pair of files each); none: the
    tables alone"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the page shows"""

    out: str | None = None
    """HTML file to write; none: report.html, or report.fa.html, in the run"""
    language: Literal["en", "fa"] = "en"
    """of the page: English or Persian"""
    pdf: bool = False
    """print it as PDF as well, where there is a Chromium"""


@dataclass(frozen=True, kw_only=True)
class Compare:
    """What stands against what, and what is written"""

    aliases: ClassVar[dict[str, str]] = {"with": "against"}

    against: tuple[str, ...] = ()
    """the runs of the second group (also: --with); none: runs are grouped by equal recipes apart from the seed, and
    each group is held against the first"""
    worth: float | None = None
    """the least difference that counts, as a share of the values' mean; none: 0.01"""
    json: bool = False
    """print JSON"""
    out: str | None = None
    """HTML file to write too, such as compare.html: the verdicts, and pictures side by side"""
    language: Literal["en", "fa"] = "en"
    """of the page: English or Persian"""


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """How it is said"""

    json: bool = False
    """print JSON"""


@dataclass(frozen=True, kw_only=True)
class Demo(Trained):
    """Where the page is"""

    port: int = 7860
    """of the page; 0: any that is free"""
    host: str = "127.0.0.1"
    """address to listen on: 127.0.0.1 is this machine alone, 0.0.0.0 its whole network (the page asks no password)"""
    open: bool = False
    """open the page in the browser"""
    build: str | None = None
    """write the page into this folder instead, with a model that runs in the visitor's browser, for any static host"""


@dataclass(frozen=True, kw_only=True)
class Eject:
    """Where the file goes"""

    out: str = "train.py"
    """Python file to write; what it cannot read by torch alone goes beside it, in a file of the same name and .pt"""
    overwrite: bool = False
    """put it in the place of an old one"""


@dataclass(frozen=True, kw_only=True)
class Export(Checkpoint):
    """What is written, and where to"""

    format: Literal["onnx", "torch-export", "safetensors"] = "onnx"
    """ONNX, for other languages, engines and browsers; a program of torch.export; or weights alone"""
    fp16: bool = False
    """weights and arithmetic in 16 bits: half the size; inputs and outputs stay in 32"""
    batch_statistics: bool = False
    """of pix2pix: normalise each image by its own statistics, as the paper does, and not by the running ones"""
    out: str | None = None
    """folder to write; none: RUN/export/FORMAT"""


@dataclass(frozen=True, kw_only=True)
class Study:
    """Where its results go"""

    out: str | None = None
    """folder of its JSON, figures and page; none: studies/NAME"""
    language: Literal["en", "fa"] = "en"
    """of the page: English or Persian"""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """How the runs are made"""

    out: str | None = None
    """folder of the runs, their table, figure and page; none: sweeps/SYSTEM"""
    language: Literal["en", "fa"] = "en"
    """of the page: English or Persian"""
    samples: int = 64
    """importance samples an image for log p(x)"""
    metrics: tuple[str, ...] = ()
    """image metrics of each run too, as `evaluate` has them"""
    features: str = "inception"
    """what they see: inception, dinov2, clip, or a run of `arzhang train classifier`"""
    n: int | None = None
    """images of each kind that they compare; none: 10,000, or all of the test part"""
    processes: int | None = None
    """runs trained at once; none: as many as there are cores where they train on those, else one"""
    together: bool | None = None
    """train as one the runs that differ in numbers alone (seed, β, lr, …); none: on a GPU, where one is alone on it"""
    ray: bool = False
    """hand the runs to Ray Tune (needs the extra 'ray')"""


@dataclass(frozen=True, kw_only=True)
class Reproduce:
    """How much, and where"""

    budget: Literal["quick", "standard", "paper"] = "quick"
    """quick: minutes on two cores; standard: a night; paper: the published sizes, for a GPU"""
    out: str = "reproduce"
    """folder of the page and the runs; what is already there is kept, what is missing is made"""
    only: tuple[str, ...] = ()
    """these ids alone, such as 3g 5d, and what they rest on"""
    teach: bool = False
    """fold every conclusion away until the reader has guessed"""
    processes: int | None = None
    """parts made at once; none: one a core, up to four, or one on a GPU"""
    language: Literal["en", "fa"] | None = None
    """write the page in this language alone; none: in every one"""


@dataclass(frozen=True, kw_only=True)
class Publish:
    """What for, and whether to send it"""

    to: Literal["kaggle", "huggingface", "article", "notebook"] | None = None
    """an executed notebook beside the Cityscapes pairs; a model with its card; an article with its pictures; of what
    `arzhang reproduce` left, the whole assignment as an executed notebook to hand in"""
    out: str | None = None
    """folder of the bundle; none: published/NAME-KIND"""
    push: bool = False
    """send it, with the official client and your own credentials; otherwise only the bundle is written"""
    accept_licence: bool = False
    """you have read what the data's licence says of publishing, and may"""
    owner: str | None = None
    """account or organisation there; none: that of your credentials"""
    name: str | None = None
    """what it is called there; none: after what was trained, and on what"""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where the data are"""

    data_root: str | None = None
    """folder where the files already lie"""
    size: int | None = None
    """side to which a folder's images are resized, or at which sprites are drawn"""
    out: str | None = None
    """PNG file of the contact sheet; none: contact-sheet.png or pairs.png here"""
    pairs: Literal["auto", "yes", "no"] = "auto"
    """whether a folder holds pairs; auto: two folders of equal names, or images twice as wide as high"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What is checked, and how much the code may use"""

    id: str | None = None
    """exercise, by the assignment's id, such as 1c; none: told from the file's name, or from the names in it"""
    show: bool = False
    """print what the exercise asks for: signature, shapes, units, an example"""
    blanks: str | None = None
    """folder to write a course to: every exercise as a skeleton file, the marks beside them, how to test"""
    json: bool = False
    """print JSON: findings and marks, for autograders"""
    seconds: float = 30.0
    """how long the code of one file may run"""
    memory: int = 4096
    """MiB that it may take, besides what torch takes"""
