"""Makes the inputs of tests/project/setup in a given folder: two tiny wheels and the manifest that pins them."""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

folder = Path(sys.argv[1])
FILES = {
    "engine": {
        "torch/lib/libtorch_cpu.so": b"the engine" * 100,
        "torch/lib/libtorch_cuda.so": b"left out" * 100,
        "torch/include/a.h": b"// a\n",
        "torch/include/below/b.h": b"// b\n",
    },
    "runtime": {"nvidia/lib/libcudart.so.13": b"the runtime" * 50},
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def entry(project, member, to):
    files = FILES[project]
    if member in files:
        return {"member": member, "to": to, "bytes": len(files[member]), "sha256": sha256(files[member])}
    inside = {name[len(member) :]: data for name, data in sorted(files.items()) if name.startswith(member)}
    lines = "".join(f"{sha256(data)}  {name}\n" for name, data in inside.items())
    size = sum(len(data) for data in inside.values())
    return {"member": member, "to": to, "files": len(inside), "bytes": size, "sha256": sha256(lines.encode())}


def wheel(project, *entries):
    path = folder / f"{project}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES[project].items():
            archive.writestr(name, data)
    return {
        "project": project,
        "version": "1.0",
        "platform": "any",
        "bytes": path.stat().st_size,
        "sha256": sha256(path.read_bytes()),
        "entries": [entry(project, member, to) for member, to in entries],
    }


manifest = {
    "version": "9.9.9",
    "python": "3.11",
    "abi": "cp311",
    "links": {"lib/libtorch.so": "libtorch_cpu.so"},
    "wheels": [
        wheel("engine", ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"), ("torch/include/", "include")),
        wheel("runtime", ("nvidia/lib/libcudart.so.13", "lib/libcudart.so.13")),
    ],
}
(folder / "manifest.json").write_text(json.dumps(manifest))
