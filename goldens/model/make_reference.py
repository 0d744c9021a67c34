"""Makes reference.json, which tests/model.rs reads: what torchvision's residual networks compute.

    python -m venv venv && venv/bin/pip install -r goldens/model/requirements.txt
    venv/bin/python goldens/model/make_reference.py

In double precision, on one thread, so that what it holds is the mathematics and not one machine's order of sums; what
single precision makes of the same is printed beside it, and is where the test's tolerances for it come from.
No weights ship: every tensor, image and label is a formula of its name and index (`fill`; tests/model/formula.rs has
the same). A tensor is kept as its summary: sum, sum of squares, product with a formula of its own (which is what tells
a transposed tensor from the right one), and the first, the middle and the last value.

For each network:
  evaluate   features (summary) and logits in evaluation mode, with the first weights.
  train      logits, loss, gradients of all parameters and running statistics after one step's forward pass in train
             mode; parameters after the step of gradient descent on all.
  curve      five steps from the first weights with three trained blocks, the rest frozen but in train mode, each on
             a batch of its own: losses in front of each step; parameters, running statistics and evaluation logits after.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

CLASSES, STEPS = 10, 5
BRANCH = 0.125
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.01, 0.9, 5e-4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TRAINED = ["layer4.0.", "layer4.1.", "layer4.2.", "fc."]
MASK = (1 << 64) - 1


def uniform(name, count):
    """In [-1, 1), by 2^-23: FNV-1a of the name, then SplitMix64 (Steele et al. 2014) counted on from it."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    mixed = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def fill(name, shape):
    """Kernels keep the second moment through a rectifier; norms shrink a little, so that sums stay of order 1. A
    bottleneck's last norm shrinks much: ResNet-50 of random weights, in train mode on four images, otherwise enlarges a
    rounding error ten-thousandfold, and single precision could show nothing."""
    drawn = uniform(name, int(np.prod(shape)))
    if len(shape) == 4:
        values = drawn * np.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    elif len(shape) == 2:
        values = drawn * np.sqrt(3.0 / shape[1])
    elif name.endswith("running_var"):
        values = drawn * 0.5 + 1.0
    elif name.endswith("bn3.weight"):
        values = (drawn * 0.25 + 0.75) * BRANCH
    elif name.endswith("weight"):
        values = drawn * 0.25 + 0.75
    else:
        values = drawn * 0.1
    return torch.from_numpy(values.reshape(shape))


def pictures(name, shape):
    """Tiles of 8x8 pixels with some noise, from -0.1 to 1.1, so that some are cut. Images of noise alone would look all
    alike to a network, and those of tiles alone have equal values under a maximum."""
    images, channels, height, width = shape
    tiles = uniform(name, images * channels * height * width // 64).reshape(images, channels, height // 8, width // 8)
    noise = uniform(f"{name}/noise", images * channels * height * width).reshape(shape)
    return torch.from_numpy(np.kron(tiles, np.ones((8, 8))) * 0.5 + noise * 0.1 + 0.5)


def labels(name, count):
    return torch.from_numpy(((uniform(name, count) + 1.0) / 2.0 * CLASSES).astype(np.int64))


class Thin(ResNet):
    """torchvision's own builder, an eighth as wide, with a 3x3 stem of stride 2 and no maximum."""

    def __init__(self):
        super().__init__(BasicBlock, [1, 1, 6, 3], CLASSES)
        self.conv1 = torch.nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(8)
        self.maxpool = torch.nn.Identity()
        self.fc = torch.nn.Linear(64, CLASSES)

    def _make_layer(self, block, planes, *arguments, **more):
        if planes == 64:
            self.inplanes = 8
        return super()._make_layer(block, planes // 8, *arguments, **more)


NETWORKS = {
    "resnet50": (lambda: ResNet(Bottleneck, [3, 4, 6, 3], CLASSES), [4, 3, 64, 64]),
    "thin": (Thin, [8, 1, 32, 32]),
}


def fresh(build, kind):
    network = build().to(kind)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(fill(name, tuple(tensor.shape)))
    return network


def normalised(images):
    constant = lambda values: torch.tensor(values).to(images.dtype).view(3, 1, 1)
    return (images.clamp(0, 1) - constant(MEAN)) / constant(STD)


def summary(name, tensor):
    values = tensor.detach().double().flatten()
    probe = torch.from_numpy(uniform(f"probe/{name}", len(values)))
    kept = [values.sum(), (values**2).sum(), values @ probe, values[0], values[len(values) // 2], values[-1]]
    return [round_to_digits(value) for value in kept]


def round_to_digits(value):
    return float(f"{float(value):.12e}")


def listed(tensor):
    return [round_to_digits(value) for value in tensor.detach().flatten()]


def summaries(tensors):
    return {name: summary(name, tensor) for name, tensor in tensors if not name.endswith("num_batches_tracked")}


def descent(parameters):
    return torch.optim.SGD(parameters, LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY)


def case(build, shape, kind):
    batch = lambda at: (pictures(f"images/{at}", shape).to(kind), labels(f"labels/{at}", shape[0]))
    found = {}

    network = fresh(build, kind).eval()
    head, network.fc = network.fc, torch.nn.Identity()
    with torch.no_grad():
        features = network(normalised(batch(0)[0]))
        found["evaluate"] = {"features": summary("features", features), "logits": listed(head(features))}

    network = fresh(build, kind).train()
    optimiser = descent(network.parameters())
    images, wanted = batch(0)
    logits = network(normalised(images))
    loss = cross_entropy(logits, wanted)
    loss.backward()
    gradients = summaries((name, parameter.grad) for name, parameter in network.named_parameters())
    optimiser.step()
    found["train"] = {
        "logits": listed(logits),
        "loss": listed(loss),
        "gradients": gradients,
        "statistics": summaries(network.named_buffers()),
        "parameters": summaries(network.named_parameters()),
    }

    network = fresh(build, kind).train()
    for name, parameter in network.named_parameters():
        parameter.requires_grad = any(part in name for part in TRAINED)
    trained = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    optimiser = descent(parameter for _, parameter in trained)
    losses = []
    for step in range(STEPS):
        images, wanted = batch(step)
        loss = cross_entropy(network(normalised(images)), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses += listed(loss)
    network.eval()
    with torch.no_grad():
        logits = network(normalised(batch(0)[0]))
    found["curve"] = {
        "losses": losses,
        "logits": listed(logits),
        "parameters": summaries(trained),
        "statistics": summaries(network.named_buffers()),
    }
    return found


def furthest(single, double, at=""):
    """Where single precision lies furthest from double, by part: relative to the root mean square of the part."""
    if isinstance(double, dict):
        if all(isinstance(value, list) and len(value) == 6 for value in double.values()):
            tensors = [abs(a - b) / np.sqrt(double[name][1]) for name in double
                       for a, b in [(single[name][2], double[name][2])]]
            print(f"  {at}: {max(tensors):.1e}")
        else:
            for name in double:
                furthest(single[name], double[name], f"{at}/{name}")
    else:
        a, b = np.array(single), np.array(double)
        print(f"  {at}: {abs(a - b).max() / np.sqrt((b**2).mean()):.1e}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    reference = {}
    for name, (build, shape) in NETWORKS.items():
        reference[name] = case(build, shape, torch.float64)
        print(name, "losses", reference[name]["curve"]["losses"], "single precision is away by")
        furthest(case(build, shape, torch.float32), reference[name])
    lines = json.dumps(reference, indent=0).replace(",\n-", ", -").replace("[\n", "[").replace("\n]", "]")
    Path(__file__).with_name("reference.json").write_text(lines + "\n")
