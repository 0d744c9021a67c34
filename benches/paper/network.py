"""Shared by both PyTorch scripts: the network, its images, the clock, and the floor of an image's cost.

    network.py rate --device cpu|cuda --precision fp32|tf32|bf16 [--threads N]

`rate` prints operations per second of a product of two large matrices, and the cost of an image.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

import torch
from torchvision.models import resnet50

CLASSES, SIDE, SMALL = 10, 224, 32
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# The parameters trained with the head, by the number of fine-tuned blocks.
TRAINED = {0: ["fc."], 1: ["fc.", "layer4.2."], 3: ["fc.", "layer4."], 9: ["fc.", "layer4.", "layer3."]}
PRECISIONS = ["fp32", "tf32", "bf16"]


class Normalised(torch.nn.Module):
    """ResNet-50 with random weights, with the normalisation first, as in the authors' models; the head
    is drawn from N(0, 1)."""

    def __init__(self, blocks):
        super().__init__()
        self.model = resnet50(num_classes=CLASSES)
        torch.nn.init.normal_(self.model.fc.weight)
        torch.nn.init.zeros_(self.model.fc.bias)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad = name.startswith(tuple(TRAINED[blocks]))
        for name, values in [("mean", MEAN), ("std", STD)]:
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1))

    def forward(self, images):
        return self.model((images.clamp(0, 1) - self.mean) / self.std)


def descent(model):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.SGD(trained, LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY)


def random_bytes(count):
    """Images of 32x32 pixels in colour, and labels."""
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (count, 3, SMALL, SMALL), generator=generator, dtype=torch.uint8)
    return pixels, torch.arange(count) % CLASSES


def arguments(description):
    """The options that `bench.py` passes to each script, with the names of the engine's benchmark."""
    parser = argparse.ArgumentParser(description=description)
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--blocks", type=int, choices=list(TRAINED), default=3)
    parser.add_argument("--batch", default=128, **number, help="images per step [128]")
    parser.add_argument("--steps", default=8, **number, help="steps per epoch [8]")
    parser.add_argument("--rounds", default=3, **number, help="measured epochs and test passes [3]")
    parser.add_argument("--tested", default=512, **number, help="images in the test set [512]")
    parser.add_argument("--threads", **number, help="threads of torch on the CPU [its choice]")
    return parser


def prepare(given):
    """Sets up torch; returns the device."""
    if given.threads:
        torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    single = given.precision == "fp32"
    torch.backends.cuda.matmul.allow_tf32 = not single
    torch.backends.cudnn.allow_tf32 = not single
    torch.backends.cudnn.benchmark = True
    return torch.device(given.device)


class Clock:
    """Wall-clock and processor seconds, those of finished children included."""

    def __init__(self, device):
        self.device = device
        self.start = self.now()

    def now(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), sum(os.times()[:4])

    def lap(self):
        before, self.start = self.start, self.now()
        seconds, processor = (now - then for now, then in zip(self.start, before, strict=True))
        return {"seconds": seconds, "processor_seconds": processor}


def measured(given, device, train, test):
    """Runs epochs and test passes, each after a first that does not count, and prints their times."""
    train(0)
    clock, training = Clock(device), []
    for epoch in range(1, given.rounds + 1):
        losses = train(epoch)
        training.append(clock.lap())
    test()
    clock, testing = Clock(device), []
    for _ in range(given.rounds):
        test()
        testing.append(clock.lap())
    json.dump({
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "precision": given.precision,
        "trained_images": given.batch * given.steps,
        "tested_images": given.tested,
        "training": training,
        "testing": testing,
        "last_loss": losses,
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }, sys.stdout)


def multiply_adds(blocks):
    """Multiply-adds of one image's forward pass, and of its trained part."""
    model, found = Normalised(blocks).eval(), {}

    def counting(name):
        def count(module, _, output):
            found[name] = module.weight.numel() * output.shape[2:].numel()

        return count

    for name, module in model.model.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(counting(name))
    with torch.no_grad():
        model(torch.zeros(1, 3, SIDE, SIDE))
    trained = sum(count for name, count in found.items() if f"{name}.".startswith(tuple(TRAINED[blocks])))
    return sum(found.values()), trained


def rate(device, precision, times=20):
    """Operations of a product of two square matrices, per second (the median over repetitions) and per
    processor second."""
    side = 8192 if device.type == "cuda" else 2048
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.rand(side, side, device=device).to(kind) for _ in range(2))
    clock, laps = Clock(device), []
    for _ in range(times):
        left @ right
        laps.append(clock.lap())
    counted, operations = laps[times // 4:], 2 * side**3
    processor = sum(lap["processor_seconds"] for lap in counted)
    return {
        "operations_a_second": operations / statistics.median(lap["seconds"] for lap in counted),
        "operations_a_processor_second": operations * len(counted) / max(processor, 1e-9),
    }


def main():
    parser = arguments(__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["rate"])
    given = parser.parse_args()
    device = prepare(given)
    forward, trained = multiply_adds(given.blocks)
    json.dump(rate(device, given.precision) | {
        # The backward pass of the trained part costs twice its forward pass.
        "operations_an_image": {"training": 2 * (forward + 2 * trained), "testing": 2 * forward},
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
    }, sys.stdout)


if __name__ == "__main__":
    main()
