"""Makes reference.json, which tests/fidelity.rs reads: ten steps of the paper's fine-tune of ResNet-50 in plain PyTorch.

    INSTA_UPDATE=always cargo test --release --test fidelity draws     # draws.json and head.npy, from the engine
    python -m venv venv && venv/bin/pip install -r goldens/fidelity/requirements.txt
    venv/bin/python goldens/fidelity/make_reference.py                  # a quarter of an hour on two cores

torchvision's ResNet-50, torchvision's transforms on PIL images one by one, torch's SGD and StepLR, in single precision
on the CPU; the authors' protocol as constants below, not read from the project. Weights, images and labels are
formulas (goldens/model/make_reference.py has that of the weights; tests/fidelity/material.rs has the same images), so
that the first loss and the test loss after one step are like those of the authors' models. What is random comes from
the engine, which can't be given torch's draws: subset, order, crops, flips, colours and angles in draws.json, the head in
head.npy.

For 0, 3 and 9 blocks:
  losses ... parameters   what PyTorch gives: losses in front of each step, test losses, and after the last step the
                          test images' logits; of running statistics and of what was trained, each tensor's length and
                          its product with a formula of its own.
  drift                   how far from that PyTorch itself comes where nothing differs but rounding (`ROUNDINGS`): of
                          losses, the largest up to each step. At rate 0.1 and with a head from N(0, 1) rounding errors
                          grow by the step; the test's tolerance is a multiple of this.
`near_misses` is what a protocol gives that is wrong in one thing. The test must tell them all.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image
from torch.nn.functional import cross_entropy
from torchvision.models import resnet50
from torchvision.transforms import InterpolationMode

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("formula", HERE.parent / "model" / "make_reference.py")
formula = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(formula)

CLASSES, POOL, TESTED = 10, 60, 16
SIDE, PADDING = 224, 4
BATCH, EPOCHS = 8, 2
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4
BLOCKS = {0: ["fc."], 3: ["fc.", "layer4."], 9: ["fc.", "layer4.", "layer3."]}
ADJUST = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation]

# Environments and arguments of `fine_tune` that change how sums are rounded, and nothing else.
ROUNDINGS = {
    "double precision": ({}, {"kind": "float64"}),
    "channels last": ({}, {"channels_last": True}),
    "images nudged by one part in 2^24": ({}, {"nudge": 1}),
    "vectors of 128 bits": ({"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}, {"channels_last": True}),
}
# What is wrong, and the fine-tuned blocks with which it is looked at.
NEAR_MISSES = {
    "half the weight decay": 0,
    "frozen norms use running statistics": 3,
    "Nesterov's momentum": 3,
    "the learning rate is in the velocity": 3,
    "no drop of the learning rate": 3,
    "flip before crop": 3,
    "colours in a fixed order": 3,
    "crop by one pixel more": 3,
    "turned the other way": 3,
    "turned with interpolation": 3,
    "resized in floats": 3,
    "padded after normalisation": 3,
}


def pictures(part, count):
    """Bytes of 32x32 pixels in colour: tiles of the image's class, fainter ones of its own, and noise. Sums are of
    whole multiples of 2^-23, and so exact."""
    tiled = lambda name: np.kron(formula.uniform(name, 48).reshape(3, 4, 4), np.ones((8, 8)))
    found = []
    for image in range(count):
        noise = formula.uniform(f"{part}/{image}/noise", 3072).reshape(3, 32, 32)
        value = 128.0 + 80.0 * tiled(f"class/{image % CLASSES}") + 30.0 * tiled(f"{part}/{image}") + 40.0 * noise
        pixels = np.clip(np.floor(value), 0, 255).astype(np.uint8)
        found.append(Image.fromarray(np.moveaxis(pixels, 0, 2).copy()))
    return found


def resized(image, miss):
    if miss == "resized in floats":
        floats = F.resize(F.pil_to_tensor(image).float(), [SIDE, SIDE], InterpolationMode.BILINEAR)
        return F.to_pil_image(floats.round().to(torch.uint8))
    return F.resize(image, [SIDE, SIDE], InterpolationMode.BILINEAR)


def augmented(image, draw, miss):
    """A resized image as one row of draws.json changes it, in [0, 1]."""
    top, left, flip, degrees = int(draw[0]) + PADDING, int(draw[1]) + PADDING, draw[2] != 0, draw[9]
    order = sorted(draw[6:9]) if miss == "colours in a fixed order" else draw[6:9]
    top += miss == "crop by one pixel more"
    degrees = -degrees if miss == "turned the other way" else degrees
    turning = InterpolationMode.BILINEAR if miss == "turned with interpolation" else InterpolationMode.NEAREST
    if flip and miss == "flip before crop":
        image, flip = F.hflip(image), False
    image = F.crop(F.pad(image, PADDING, 0), top, left, SIDE, SIDE)
    if flip:
        image = F.hflip(image)
    for operation in map(int, order):
        image = ADJUST[operation](image, draw[3 + operation])
    unit = F.to_tensor(F.rotate(image, degrees, turning, fill=0))
    if miss == "padded after normalisation":
        inside = F.to_tensor(F.crop(F.pad(Image.new("L", (SIDE, SIDE), 255), PADDING, 0), top, left, SIDE, SIDE))
        inside = F.hflip(inside) if flip else inside
        unit = torch.where(inside > 0, unit, torch.tensor(formula.MEAN).view(3, 1, 1))
    return unit


def network(blocks, kind):
    model = resnet50(num_classes=CLASSES).to(kind)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if not name.endswith("num_batches_tracked"):
                # The engine's are in single precision, whatever these are.
                tensor.copy_(formula.fill(name, tuple(tensor.shape)).float())
        model.fc.weight.copy_(torch.from_numpy(np.load(HERE / "head.npy")))
        model.fc.bias.zero_()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(tuple(BLOCKS[blocks]))
    return model


def in_train_mode(model, blocks, miss):
    model.train()
    if miss == "frozen norms use running statistics":
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d) and not name.startswith(tuple(BLOCKS[blocks])):
                module.eval()


class Descent:
    """torch's SGD, or one that is not quite."""

    def __init__(self, model, miss):
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        decay = WEIGHT_DECAY / 2 if miss == "half the weight decay" else WEIGHT_DECAY
        nesterov = miss == "Nesterov's momentum"
        self.optimiser = torch.optim.SGD(
            trained, LEARNING_RATE, MOMENTUM, weight_decay=decay, nesterov=nesterov
        )
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, max(EPOCHS // 3, 1), 0.1)
        self.miss = miss

    def step(self, loss):
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def end_epoch(self):
        if self.miss != "no drop of the learning rate":
            self.schedule.step()
        if self.miss == "the learning rate is in the velocity":
            # What moves already goes on as fast: velocities times the old rate over the new.
            for state in self.optimiser.state.values():
                state["momentum_buffer"] *= 10.0


def normalised(images):
    constant = lambda values: torch.tensor(values).to(images.dtype).view(3, 1, 1)
    return (images.clamp(0, 1) - constant(formula.MEAN)) / constant(formula.STD)


def fine_tune(blocks, kind="float32", channels_last=False, threads=1, nudge=0, miss=None):
    torch.set_num_threads(threads)
    kind = getattr(torch, kind)
    drawn = json.loads((HERE / "draws.json").read_text())
    train = [resized(image, miss) for image in pictures("train", POOL)]
    test = torch.stack([F.to_tensor(resized(image, miss)) for image in pictures("test", TESTED)]).to(kind)
    wanted = torch.arange(TESTED) % CLASSES
    model = network(blocks, kind)
    model = model.to(memory_format=torch.channels_last) if channels_last else model
    descent = Descent(model, miss)
    noise = torch.Generator().manual_seed(nudge)

    def tested():
        model.eval()
        with torch.no_grad():
            return model(normalised(test))

    found = {"losses": []}
    for epoch in drawn["epochs"]:
        order = epoch["order"]
        for batch in [order[at:at + BATCH] for at in range(0, len(order), BATCH)]:
            in_train_mode(model, blocks, miss)
            chosen = [drawn["subset"][at] for at in batch]
            draws = [epoch["draws"][at] for at in batch]
            images = torch.stack([augmented(train[image], draw, miss) for image, draw in zip(chosen, draws)]).to(kind)
            images = normalised(images)
            if nudge:
                images *= 1.0 + 2.0**-24 * torch.randn(images.shape, generator=noise, dtype=torch.float64).to(kind)
            loss = cross_entropy(model(images), torch.tensor(chosen) % CLASSES)
            descent.step(loss)
            found["losses"] += formula.listed(loss)
            if "test_loss_after_first_step" not in found:
                found["test_loss_after_first_step"] = formula.listed(cross_entropy(tested(), wanted))[0]
        descent.end_epoch()
    logits = tested()
    found["test_loss"] = formula.listed(cross_entropy(logits, wanted))[0]
    found["logits"] = formula.listed(logits)
    if miss is None:
        trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        found["statistics"] = lengths(formula.summaries(model.named_buffers()))
        found["parameters"] = lengths(formula.summaries(trained))
    return found


def lengths(summaries):
    """Of each tensor its length and its product with a formula."""
    return {name: [formula.round_to_digits(np.sqrt(kept[1])), kept[2]] for name, kept in summaries.items()}


# How far two are apart: as in tests/fidelity/reference.rs. -----------------------------------------------------------


def relative(found, expected):
    return abs(found - expected) / abs(expected)


def apart(found, expected):
    found, expected = np.array(found), np.array(expected)
    return abs(found - expected).max() / np.sqrt((expected**2).mean())


def longer(found, expected):
    """The largest change of a length."""
    return max((relative(found[name][0], expected[name][0]) for name in expected), default=0.0)


def turned(found, expected):
    """The largest change of a length or of a direction, as a part of the length."""
    product = (abs(found[name][1] - expected[name][1]) / expected[name][0] for name in expected)
    return max(longer(found, expected), *product)


def distances(found, expected, blocks):
    trained = lambda name: name.startswith(tuple(BLOCKS[blocks]))
    of_trained = {name: kept for name, kept in expected["statistics"].items() if trained(name)}
    of_frozen = {name: kept for name, kept in expected["statistics"].items() if not trained(name)}
    return {
        "losses": list(map(relative, found["losses"], expected["losses"])),
        **{name: relative(found[name], expected[name]) for name in ["test_loss_after_first_step", "test_loss"]},
        "logits": apart(found["logits"], expected["logits"]),
        "frozen_statistics": turned(found["statistics"], of_frozen),
        "trained_statistics": longer(found["statistics"], of_trained),
        "parameters": longer(found["parameters"], expected["parameters"]),
    }


def elsewhere(blocks, environment, arguments):
    """In a process of its own, since torch reads its environment once."""
    command = [sys.executable, __file__, json.dumps({"blocks": blocks} | arguments)]
    run = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def rounded(value):
    if isinstance(value, list):
        return list(map(rounded, value))
    return {name: rounded(inner) for name, inner in value.items()} if isinstance(value, dict) else float(f"{value:.1e}")


def case(blocks):
    expected = elsewhere(blocks, {}, {})
    print(f"{blocks} blocks: {expected['losses']}, {expected['test_loss_after_first_step']}", file=sys.stderr)
    drifts = []
    for name, (environment, arguments) in ROUNDINGS.items():
        drifts.append(distances(elsewhere(blocks, environment, arguments), expected, blocks))
        print(f"  {name}: {rounded(drifts[-1])}", file=sys.stderr)
    # Never under a unit in the last place.
    largest = lambda name: np.maximum(np.max([drift[name] for drift in drifts], axis=0), 2.0**-23)
    worst = {name: largest(name) for name in drifts[0]}
    worst["losses"] = list(np.maximum.accumulate(worst["losses"]))
    return expected | {"drift": rounded(worst)}


def main():
    cases = {str(blocks): case(blocks) for blocks in BLOCKS}
    misses = {}
    for miss, blocks in NEAR_MISSES.items():
        found = elsewhere(blocks, {}, {"miss": miss, "channels_last": True})
        misses[miss] = {"blocks": blocks} | found
        away = list(map(relative, found["losses"], cases[str(blocks)]["losses"]))
        print(f"{miss}: {rounded(away)}", file=sys.stderr)
    lines = json.dumps({"blocks": cases, "near_misses": misses}, indent=0)
    lines = lines.replace(",\n-", ", -").replace("[\n", "[").replace("\n]", "]")
    for digit in "0123456789":
        lines = lines.replace(f",\n{digit}", f", {digit}")
    (HERE / "reference.json").write_text(lines + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        json.dump(fine_tune(**json.loads(sys.argv[1])), sys.stdout)
    else:
        main()
