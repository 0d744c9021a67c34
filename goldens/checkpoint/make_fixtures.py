"""Makes the checkpoints of this folder and reference.json, which tests/checkpoint.rs reads.

    python -m venv venv && venv/bin/pip install -r goldens/checkpoint/requirements.txt
    venv/bin/python goldens/checkpoint/make_fixtures.py

Real torch, dill and safetensors write them; where a file is one that this torch can't write (a big-endian machine's, one
of Python 2, of the tar format), a file that it did write is changed, and torch reads it back where it can.

reference.json says of each file what a reader should find: container, wrapping, and which of the `sets` of tensors, where
each has its name without the wrapping, shape, dtype and the SHA-256 of its bytes as numpy has them, contiguous and
little-endian. `skipped` holds words that the reader's list of what it skipped should have. The files whose names begin with
`hostile-` carry a command that makes a file `executed-by-a-checkpoint`; nobody should find it.
"""

import argparse
import hashlib
import io
import json
import os
import pickle
import pickletools
import subprocess
import tarfile
import zipfile
from collections import OrderedDict, namedtuple
from pathlib import Path

import dill
import numpy as np
import safetensors.torch
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

HERE = Path(__file__).parent
REFERENCE, SETS = {}, []
MARK = "executed-by-a-checkpoint"


class Tiny(ResNet):
    """torchvision's own builder with channels from 1 to 8, one block a stage and three classes."""

    def __init__(self):
        super().__init__(BasicBlock, [1, 1, 1, 1], 3)
        self.conv1 = nn.Conv2d(3, 1, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(1)
        self.fc = nn.Linear(8, 3)

    def _make_layer(self, block, planes, *arguments, **more):
        if planes == 64:
            self.inplanes = 1
        return super()._make_layer(block, planes // 64, *arguments, **more)


class Normalise(nn.Module):
    """As the robustness library keeps a data set's mean and deviation: in two buffers of a module."""

    def __init__(self):
        super().__init__()
        self.register_buffer("new_mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("new_std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])


class Attacker(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.normalize, self.model = Normalise(), model


class AttackerModel(nn.Module):
    """The same tensors twice: once as the model's, once as the attacker's."""

    def __init__(self, model):
        super().__init__()
        self.normalizer, self.model, self.attacker = Normalise(), model, Attacker(model)


class Schedule:
    """Somebody's own object."""

    def __init__(self, every):
        self.every, self.history = every, [(0, 0.1), (every, 0.01)]


def small():
    torch.manual_seed(1)
    model = nn.Sequential(OrderedDict(conv1=nn.Conv2d(1, 2, 3, bias=False), bn1=nn.BatchNorm2d(2), fc=nn.Linear(2, 3)))
    state = model.state_dict()
    # No two tensors alike, so that none can be taken for another.
    for number, tensor in enumerate(state.values()):
        tensor.copy_(torch.rand(tensor.shape) + number if tensor.is_floating_point() else torch.tensor(number))
    return state


def trained():
    """The tiny network after two steps with momentum, so that no statistic is a round number."""
    torch.manual_seed(2)
    network = Tiny()
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    for _ in range(2):
        optimiser.zero_grad()
        network(torch.rand(8, 3, 32, 32)).square().mean().backward()
        optimiser.step()
    return network, optimiser


def as_bytes(tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu):
        tensor = tensor.view({1: torch.uint8, 2: torch.int16}[tensor.element_size()])
    array = np.ascontiguousarray(tensor.numpy())
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def expect(file, container, wrapping, tensors, skipped=()):
    listed = [
        {
            "name": name,
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "sha256": hashlib.sha256(as_bytes(tensor)).hexdigest(),
        }
        for name, tensor in sorted(tensors.items())
    ]
    if listed not in SETS:
        SETS.append(listed)
    known = {"container": container, "wrapping": wrapping, "tensors": SETS.index(listed), "skipped": list(skipped)}
    REFERENCE[file] = known


def save(file, what, legacy=False, **more):
    torch.save(what, HERE / file, _use_new_zipfile_serialization=not legacy, **more)


def save_both(stem, what, wrapping, tensors, skipped=(), **more):
    for legacy, container in ((False, "zip"), (True, "legacy")):
        file = f"{stem}-{container}.pt"
        save(file, what, legacy, **more)
        expect(file, container, wrapping, tensors, skipped)


def plain():
    state = small()
    safetensors.torch.save_file(state, HERE / "plain.safetensors", {"format": "pt"})
    expect("plain.safetensors", "safetensors", "plain", state)
    save_both("plain", state, "plain", state)
    # Protocol 0 can't hold torch's persistent ids, which are tuples.
    for protocol in (1, 4, 5):
        save_both(f"protocol{protocol}", state, "plain", state, pickle_protocol=protocol)


def wrapped():
    state = small()
    epoch = {"epoch": 3, "arch": "tiny", "best_acc1": torch.tensor(71.5)}
    save_both("nested", {**epoch, "state_dict": state}, "nested", state, ["epoch", "arch", "best_acc1"])
    parallel = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    save_both("parallel", parallel, "data_parallel", state)
    save_both("parallel-nested", {**epoch, "model": parallel}, "data_parallel", state, ["epoch", "arch", "best_acc1"])
    safetensors.torch.save_file(parallel, HERE / "parallel.safetensors")
    expect("parallel.safetensors", "safetensors", "data_parallel", state)


def robust():
    """What the robustness library saves: by dill, the model's tensors twice, momentum, a schedule, and things that only
    the program that saved them knows."""
    network, optimiser = trained()
    whole = nn.DataParallel(AttackerModel(network))
    state = network.state_dict()
    rate = 0.1
    step = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: rate**epoch)
    Point = namedtuple("Point", "epoch loss")
    saved = {
        "model": whole.state_dict(),
        "optimizer": optimiser.state_dict(),
        "schedule": step.state_dict(),
        "epoch": 90,
        "amp": None,
        "rule": lambda epoch: rate**epoch,
        "own": Schedule(30),
        "args": argparse.Namespace(arch="tiny", eps=3.0),
        "curve": [Point(0, 1.5), Point(1, 1.25)],
        "numpy": {"best": np.float64(0.5), "order": np.arange(4)},
        "seen": {1, 2},
    }
    skipped = [
        "module.attacker", "module.normalizer", "0.485", "optimizer", "schedule", "epoch", "amp", "rule", "own", "args",
        "curve", "numpy", "seen", "dill._dill._create_function", "argparse.Namespace",
    ]
    save_both("robustness", saved, "robustness", state, skipped, pickle_module=dill)
    one = nn.Linear(2, 3)
    save("robustness-bare-zip.pt", {"model": AttackerModel(one).state_dict(), "epoch": 1})
    expect("robustness-bare-zip.pt", "zip", "robustness", one.state_dict(), ["attacker", "normalizer", "epoch"])
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save("half-zip.pt", half)
    expect("half-zip.pt", "zip", "plain", half)
    mixed = {name: tensor.to([torch.bfloat16, torch.float64][len(name) % 2]) for name, tensor in state.items()}
    save("mixed-legacy.pt", mixed, True)
    expect("mixed-legacy.pt", "legacy", "plain", mixed)
    safetensors.torch.save_file(state, HERE / "tiny.safetensors")
    expect("tiny.safetensors", "safetensors", "plain", state)


def dtypes():
    values = torch.tensor([[0.5, -1.0, 2.0], [0.0, 1.5, 96.0]])
    kinds = [
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    ]
    new = ["uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"]
    tensors = {kind: values.abs().to(getattr(torch, kind)) for kind in kinds + new}
    tensors["complex64"] = values + 1j * values.flip(0)
    skipped = {
        "complex128": (values * 1j).to(torch.complex128),
        "complex32": values.to(torch.complex32),
        "quantised": torch.quantize_per_tensor(values, 0.5, 0, torch.qint8),
        "sparse": values.to_sparse(),
        "conjugate": (values * 1j).conj(),
        "negative": (values * 1j).conj().imag,
        "none": None,
        "text": "some words",
    }
    save("dtypes-zip.pt", {**tensors, **skipped})
    expect("dtypes-zip.pt", "zip", "plain", tensors, list(skipped))
    old = {kind: tensors[kind] for kind in kinds}
    save("dtypes-legacy.pt", {**old, **skipped}, True)
    expect("dtypes-legacy.pt", "legacy", "plain", old, list(skipped))
    safetensors.torch.save_file(tensors, HERE / "dtypes.safetensors")
    expect("dtypes.safetensors", "safetensors", "plain", tensors)


def layouts():
    base = torch.arange(24.0).reshape(4, 6)
    marked = torch.arange(4.0)
    marked.note = "a tensor with an attribute"
    parameter = nn.Parameter(torch.arange(3.0))
    parameter.note = "a parameter with one"
    tensors = {
        "base": base,
        "again": base,
        "transposed": base.t(),
        "column": base[:, 2],
        "tail": base[2:, 1:].t(),
        "every_second": base.flatten()[1::2],
        "repeated": torch.tensor([1.0, 2.0]).expand(3, 2),
        "channels_last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
        "number": torch.tensor(7, dtype=torch.int64),
        "empty": torch.empty(0, 3),
        "empty_view": base[4:],
        "parameter": nn.Parameter(base.clone()),
        "parameter_with_attribute": parameter,
        "with_attribute": marked,
        "buffer": nn.Buffer(torch.arange(2.0)),
        "flipped bits": torch.tensor([True, False]),
        "\N{GREEK SMALL LETTER ALPHA}.weight": torch.arange(2.0),
    }
    save_both("layouts", tensors, "plain", tensors)


def other_machines():
    """A big-endian machine's files. Of the zip format torch says what they are: swapped bytes and a record; it reads them
    back. In the legacy format elements are little-endian whoever writes them, and torch passes over the mark."""
    tensors = {"single": torch.arange(3.0), "half": torch.arange(4).half(), "byte": torch.arange(5, dtype=torch.uint8),
               "complex": torch.tensor([1 + 2j]), "bool": torch.tensor([True, False])}
    tensors["strided"] = torch.arange(6, dtype=torch.int64).reshape(2, 3).t()
    save("little-zip.pt", tensors)
    expect("little-zip.pt", "zip", "plain", tensors)
    widths = {str(number): tensor.real.element_size() for number, tensor in enumerate(tensors.values())}
    with zipfile.ZipFile(HERE / "little-zip.pt") as old, zipfile.ZipFile(HERE / "big-zip.pt", "w") as new:
        for entry in old.infolist():
            held, (_, name) = old.read(entry), entry.filename.split("/", 1)
            if name == "byteorder":
                held = b"big"
            elif name.startswith("data/"):
                width = widths[name.removeprefix("data/")]
                held = np.frombuffer(held, f"u{width}").byteswap().tobytes()
            new.writestr(f"some other folder/{name}", held)
    back = torch.load(HERE / "big-zip.pt", weights_only=False)
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    expect("big-zip.pt", "zip", "plain", tensors)
    save("little-legacy.pt", tensors, True)
    held = (HERE / "little-legacy.pt").read_bytes()
    expect("little-legacy.pt", "legacy", "plain", tensors)
    mark = held.index(b"little_endian")
    true = held.index(pickle.NEWTRUE, mark)
    (HERE / "big-legacy.pt").write_bytes(held[:true] + pickle.NEWFALSE + held[true + 1 :])
    back = torch.load(HERE / "big-legacy.pt", weights_only=False)
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    expect("big-legacy.pt", "legacy", "plain", tensors)


def python_2():
    """Python 2's text is in other opcodes with the same lengths, and its OrderedDict is made from a list of pairs."""
    state = dict(small())
    save("plain-dict-legacy.pt", state, True)
    held = bytearray((HERE / "plain-dict-legacy.pt").read_bytes())
    stream = io.BytesIO(held)
    for _ in range(5):
        begin = stream.tell()
        for opcode, _, place in pickletools.genops(stream):
            if opcode.name == "BINUNICODE":
                assert held[place] == ord("X")
                held[place] = ord("T")
        stream.seek(stream.tell() if stream.tell() > begin else begin)
    (HERE / "python2-legacy.pt").write_bytes(held)
    (HERE / "plain-dict-legacy.pt").unlink()
    expect("python2-legacy.pt", "legacy", "plain", state)


def storage_views():
    """Before 0.4 a storage could be a part of another's. This torch writes none, and still reads them."""
    tensor = torch.arange(10.0)
    stream = io.BytesIO()
    torch.save({"root": tensor}, stream, _use_new_zipfile_serialization=False)
    held = bytes(stream.getvalue())
    # The persistent id ends with None, the view's: in its place (key, offset, size), and the tensor has that size.
    at = held.index(b"tq", held.index(b"cpu"))
    assert held[at - 1 : at] == b"N", held[at - 4 : at + 4]
    view = b"(X\x04\x00\x00\x00viewK\x03K\x04t"
    held = held[: at - 1] + view + held[at:]
    sizes = b"K\x00K\n\x85"
    assert held.count(sizes) == 1, held
    held = held.replace(sizes, b"K\x00K\x04\x85")
    (HERE / "storage-view-legacy.pt").write_bytes(held)
    back = torch.load(HERE / "storage-view-legacy.pt", weights_only=False)
    assert torch.equal(back["root"], tensor[3:7]), back
    expect("storage-view-legacy.pt", "legacy", "plain", {"root": tensor[3:7]})


def zips():
    """Other programs' zips of the same entries."""
    state = small()
    with zipfile.ZipFile(HERE / "plain-zip.pt") as old:
        entries = [(entry.filename, old.read(entry)) for entry in old.infolist()]
    with zipfile.ZipFile(HERE / "zip64-zip.pt", "w") as new:
        for name, held in entries:
            with new.open(name, "w", force_zip64=True) as entry:
                entry.write(held)
    expect("zip64-zip.pt", "zip", "plain", state)
    with zipfile.ZipFile(HERE / "deflated-zip.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for name, held in entries:
            new.writestr(name, held)
    torch.serialization.set_crc32_options(False)
    save("no-checksums-zip.pt", state)
    torch.serialization.set_crc32_options(True)
    expect("no-checksums-zip.pt", "zip", "plain", state)


def others():
    """Files that are told by what they are."""
    class Half(nn.Module):
        def forward(self, x):
            return x / 2

    torch.jit.save(torch.jit.script(Half()), HERE / "script.pt")
    save("module-zip.pt", nn.Linear(2, 3))
    save("module-legacy.pt", nn.Linear(2, 3), True)
    save("tensor-zip.pt", torch.arange(3.0))
    with tarfile.open(HERE / "tar.pt", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            held = pickle.dumps({"protocol_version": 1000}, protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(held)
            tar.addfile(entry, io.BytesIO(held))
    # Without the empty blocks that fill the last record.
    (HERE / "tar.pt").write_bytes((HERE / "tar.pt").read_bytes()[: 10 * 512])
    (HERE / "pickle.pt").write_bytes(pickle.dumps({"conv1.weight": [1.0, 2.0]}, protocol=2))


class Called:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Stated:
    """Called, and then given a state."""

    def __reduce__(self):
        return os.system, (f"touch {MARK}",), {"state": Called(eval, f"open('{MARK}', 'w')")}


def hostile():
    state = small()
    run = Called(os.system, f"touch {MARK}")
    evil = {
        "state_dict": state,
        "system": run,
        "popen": Called(subprocess.Popen, ["touch", MARK]),
        "eval": Called(eval, f"open('{MARK}', 'w')"),
        "stated": Stated(),
        "getattr": Called(getattr, "words", "upper"),
    }
    # Protocol 2 names them as Python 2 had them.
    words = ["posix.system", "commands.Popen", "__builtin__.eval", "__builtin__.getattr", "stated: an object of posix.system"]
    save_both("hostile-beside", evil, "nested", state, words)
    save_both("hostile-entry", OrderedDict(state, extra=run), "plain", state, ["extra", "posix.system"])
    broken = Called(torch._utils._rebuild_tensor_v2, run, 0, (2,), (1,), False, OrderedDict())
    save("hostile-tensor-zip.pt", OrderedDict(state, broken=broken))
    save("hostile-tensor-legacy.pt", OrderedDict(state, broken=broken), True)
    hooks = Called(torch._utils._rebuild_parameter, state["fc.bias"], True, run)
    save_both("hostile-hooks", OrderedDict(state, **{"fc.bias": hooks}), "plain", state, ["posix.system"])
    save("hostile-root-zip.pt", run)
    assert not Path(MARK).exists()


def written():
    """A file and a tensor a line; files that hold the same tensors share a list of them."""
    lines = lambda items: ",\n  ".join(items)
    files = lines(f"{json.dumps(file)}: {json.dumps(known)}" for file, known in REFERENCE.items())
    sets = ",\n ".join(f"[\n  {lines(map(json.dumps, listed))}]" for listed in SETS)
    return f'{{"files": {{\n  {files}}},\n"sets": [\n {sets}]}}\n'


if __name__ == "__main__":
    for file in HERE.glob("*.pt"):
        file.unlink()
    for make in (plain, wrapped, robust, dtypes, layouts, other_machines, python_2, storage_views, zips, others, hostile):
        make()
    (HERE / "reference.json").write_text(written())
    print(sum(file.stat().st_size for file in HERE.iterdir()), "bytes")
