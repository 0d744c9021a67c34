"""Writes differential.bin.gz: 1,200 generated checkpoints, and what torch.load reads from each.

    python3 -m venv target/goldens && target/goldens/bin/pip install -r goldens/checkpoint/requirements.txt
    target/goldens/bin/python goldens/checkpoint/make_differential.py

The file is a gzip of cases, each the length of a checkpoint in four bytes, the checkpoint, the length of a JSON text in
four bytes, and the text: {key, prefix, tensors: {name: [shape, dtype, the beginning of its sha256]}} of the network, as
torch.load gives it and without what it was wrapped in, or null where torch.load fails. Networks are below up to three
keys and three prefixes, with strays of wrappers, values that are not needed (also odd ones) and tensors that are views of
shared storages. Files are in both formats, with zeros after them, with other bytes after them (refused, although
torch.load may not look at them), or cut.
"""

import argparse
import collections
import gzip
import hashlib
import io
import json
import random
import struct

import torch

from pathlib import Path

HERE = Path(__file__).parent
NETWORK = ["conv1.weight", "bn1.running_var", "layer1.0.bn1.bias", "layer4.2.conv3.weight", "fc.weight", "fc.bias"]
DTYPES = [torch.float32, torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]


def tensor(chance, shared):
    """A tensor, often a view of a storage that others share."""
    dtype = chance.choice(DTYPES)
    if chance.random() < 0.5:
        base = shared.setdefault(dtype, (torch.arange(24) % 5).to(dtype))
        view = base[chance.randrange(3) :][: chance.choice([6, 12, 18])].reshape(2, -1)
        return chance.choice([view, view.t(), view[:, 1], view[:1].expand(3, -1), view[2:]])
    shape = [chance.randrange(4) for _ in range(chance.randrange(4))]
    return (torch.arange(torch.Size(shape).numel()).reshape(shape) % 7).to(dtype)


def beside(chance):
    """What checkpoints have beside a network, and no reader needs."""
    return chance.choice(
        [
            3,
            None,
            0.5,
            2**70,
            "text",
            "caf\udce9",
            [1, "\ud800", (2, 3)],
            {"lr": 0.1, "betas": (0.9, 0.999)},
            {0: {"momentum": torch.ones(2)}, 1: {}},
            argparse.Namespace(arch="resnet50", data="/d\udcffta"),
            {1, 2},
            collections.OrderedDict(a=1),
            list(range(300)),
            b"\xff\0",
            torch.Size([1, 2]),
            torch.float16,
            torch.device("cpu"),
        ]
    )


def checkpoint(chance):
    """A checkpoint, the keys and the prefix of its network, and the network's tensors."""
    prefix = "".join(
        chance.choice(["module.", "_orig_mod.", "model.", "net.", "backbone.", "encoder.0."])
        for _ in range(chance.choice([0, 0, 1, 1, 2, 3]))
    )
    shared = {}
    network = {name: tensor(chance, shared) for name in NETWORK}
    state = collections.OrderedDict((prefix + name, value) for name, value in network.items())
    for stray in chance.sample(["n_averaged", "normalize.mean", "normalize.std"], chance.choice([0, 0, 1, 3])):
        state[stray] = torch.ones(1)
    # Without a prefix they are not told from the network's own, which is left to the fit.
    if not prefix:
        network = dict(state)
    if chance.random() < 0.3:
        state = dict(state)
    keys = [chance.choice(["state_dict", "model", "net", "ema", "a.b"]) for _ in range(chance.choice([0, 0, 1, 1, 2, 3]))]
    saved = state
    for key in reversed(keys):
        saved = {key: saved}
        for name in chance.sample(["epoch", "args", "optimizer", "best"], chance.randrange(3)):
            saved[name] = beside(chance)
    return saved, keys, prefix, network


def digest(value):
    flat = value.detach().contiguous().reshape(-1).clone()
    digest = hashlib.sha256(bytes(flat.untyped_storage())[: flat.numel() * flat.element_size()]).hexdigest()[:12]
    return [list(value.shape), str(value.dtype).removeprefix("torch."), digest]


def load(packed):
    """What torch.load gives; None where it fails. Every file was made here."""
    try:
        return torch.load(io.BytesIO(packed), weights_only=False)
    except Exception:
        return None


def case(chance):
    saved, keys, prefix, network = checkpoint(chance)
    stream = io.BytesIO()
    legacy = chance.random() < 0.5
    protocol = chance.choice([2, 2, 2, 3, 4, 5])
    torch.save(saved, stream, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    packed = stream.getvalue()
    what = chance.randrange(10)
    if what == 0:
        packed += bytes(chance.choice([1, 512]))
    elif what == 1:
        packed = packed[: chance.randrange(len(packed))]
    elif what == 2:
        packed += b"more"
    found = load(packed)
    if found is None or what == 2:
        return packed, None
    for key in keys:
        found = found[key]
    given = {name: found[prefix + name] if prefix + name in found else found[name] for name in network}
    assert all(torch.equal(given[name], value) for name, value in network.items())
    tensors = {name: digest(value) for name, value in given.items()}
    return packed, {"key": ".".join(keys) or None, "prefix": prefix, "tensors": tensors}


def main():
    chance = random.Random(24)
    torch.manual_seed(24)
    cases, sound = io.BytesIO(), 0
    for _ in range(1200):
        packed, known = case(chance)
        sound += known is not None
        text = json.dumps(known, sort_keys=True).encode()
        cases.write(struct.pack("<I", len(packed)) + packed + struct.pack("<I", len(text)) + text)
    written = gzip.compress(cases.getvalue(), 9, mtime=0)
    (HERE / "differential.bin.gz").write_bytes(written)
    print(f"{sound} of 1200 read, {len(written)} bytes")


if __name__ == "__main__":
    main()
