"""The smoke world's fine-tunes in plain PyTorch, as a good user would write them, for `bench.py`.

    peer.py run --trials FILE [--processes N] [--threads N] [--workers N] [--channels-last]
    peer.py operations --trials FILE
    peer.py rate

FILE has one JSON object per line, each with a `trial`, as `repro plan --format jsonl` prints them.
`run` fine-tunes each and prints a JSON object per trial: the evaluations and the other fields of the
curve that `repro` records. The protocol is the trial's; only the random draws differ from `repro`'s,
since they come from torch's generators. `operations` counts the plan's arithmetic, and `rate`
measures matrix products on one core.
"""

import argparse
import gzip
import json
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import conv2d, cross_entropy
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms
from torchvision.models.resnet import BasicBlock, ResNet

SMOKE = Path(__file__).resolve().parents[2] / "goldens" / "smoke"
SIDE = 28
TESTED_AT_ONCE = 500
FIRST_LOSSES = 5
# The parameters trained with the head, by the number of fine-tuned blocks.
TRAINED = {0: ["fc."], 1: ["fc.", "layer4.2."], 3: ["fc.", "layer4."], 9: ["fc.", "layer4.", "layer3."]}


# Data. ------------------------------------------------------------------------------------------------------


def idx(name):
    """The bytes of an IDX file without its header, in the shape of its sizes."""
    data = gzip.decompress((SMOKE / "images" / f"{name}.gz").read_bytes())
    sizes = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


class Pictures(Dataset):
    """PIL images in memory with their labels."""

    def __init__(self, pictures, labels, transform):
        self.pictures, self.labels, self.transform = pictures, labels, transform

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, at):
        return self.transform(self.pictures[at]), self.labels[at]


@cache
def pictures(target, part):
    """A target's images, grey, and labels: `part` is train or test."""
    images, labels = idx(f"{target}-{part}-images-idx3-ubyte"), idx(f"{target}-{part}-labels-idx1-ubyte")
    return [Image.fromarray(image) for image in images], labels.tolist()


@cache
def test_batches(target):
    """The test set never changes, so that it is transformed once."""
    return list(DataLoader(Pictures(*pictures(target, "test"), transforms.ToTensor()), TESTED_AT_ONCE))


def subset(labels, size, seed):
    """Indices of a uniform subset with every class: in a shuffled order, every image while there is
    space for the classes that are still missing, and then the first image of each of those."""
    missing, taken = set(labels), []
    for image in np.random.default_rng(seed).permutation(len(labels)).tolist():
        if labels[image] in missing or size - len(taken) > len(missing):
            missing.discard(labels[image])
            taken.append(image)
        if len(taken) == size:
            return taken
    raise ValueError(f"no subset of {size} images")


def training_set(images, labels, augmentation):
    """The images with the augmentation of a recipe; without augmentation tensors, made once."""
    padding, flip = augmentation["padding"], augmentation["flip"]
    jitter, degrees = augmentation["jitter"], augmentation["degrees"]
    steps = []
    if padding > 0:
        steps.append(transforms.RandomCrop(SIDE, padding))
    if flip > 0:
        steps.append(transforms.RandomHorizontalFlip(flip))
    if jitter > 0:
        steps.append(transforms.ColorJitter(jitter, jitter, jitter))
    if degrees > 0:
        steps.append(transforms.RandomRotation(degrees))
    dataset = Pictures(images, labels, transforms.Compose([*steps, transforms.ToTensor()]))
    if steps:
        return dataset
    return TensorDataset(torch.stack([image for image, _ in dataset]), torch.tensor(labels))


# Network. ---------------------------------------------------------------------------------------------------


class Thin(ResNet):
    """torchvision's builder, an eighth as wide, with a 3x3 stem of stride 2 and no max pooling. It takes
    images in [0, 1], grey or with three channels, and normalises them itself."""

    def __init__(self, classes, normalisation):
        super().__init__(BasicBlock, [1, 1, 6, 3], classes)
        self.conv1 = torch.nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(8)
        self.maxpool = torch.nn.Identity()
        self.fc = torch.nn.Linear(64, classes)
        for name in ["mean", "std"]:
            values = torch.tensor(normalisation[name]).view(3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def _make_layer(self, block, planes, *arguments, **more):
        if planes == 64:
            self.inplanes = 8
        return super()._make_layer(block, planes // 8, *arguments, **more)

    def forward(self, images):
        return super().forward((images.clamp(0, 1) - self.mean) / self.std)


@cache
def source(name):
    """A source model's weights, without its head."""
    weights = load_file(SMOKE / "zoo" / f"{name}.safetensors")
    return {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}


def network(name, blocks, classes, protocol):
    """A source with a new head; the head and the last blocks are trained."""
    if protocol["head"] != "standard_normal":
        raise ValueError("only heads from N(0, 1) are supported")
    model = Thin(classes, protocol["normalisation"])
    missing, unknown = model.load_state_dict(source(name), strict=False)
    left_out = ("fc.weight", "fc.bias", "num_batches_tracked")
    if unknown or not all(key.endswith(left_out) for key in missing):
        raise ValueError(f"weights of another network: {missing + unknown}")
    torch.nn.init.normal_(model.fc.weight)
    torch.nn.init.zeros_(model.fc.bias)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(tuple(TRAINED[blocks]))
    return model


# The fine-tune. ---------------------------------------------------------------------------------------------


@torch.inference_mode()
def evaluate(model, batches):
    """Accuracy in percent and mean loss on the test set, with running statistics."""
    was_training = model.training
    model.eval()
    loss, correct, count = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        loss += cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    model.train(was_training)
    return 100.0 * correct / count, loss / count


def fine_tune(trial, workers, channels_last):
    """Runs one trial; seconds count once its images and its source's weights are in memory."""
    key, protocol, seed = trial["recipe"]["key"], trial["recipe"]["protocol"], trial["seed"]
    if protocol["side"] != SIDE or key["resolution"] != "native":
        raise ValueError(f"only images of {SIDE} pixels without resizing are supported")
    all_images, all_labels = pictures(key["target"], "train")
    chosen = subset(all_labels, key["images"], seed)
    images, labels = [all_images[at] for at in chosen], [all_labels[at] for at in chosen]
    tested, classes = test_batches(key["target"]), max(all_labels) + 1
    source(key["source"])

    start = time.perf_counter()
    torch.manual_seed(seed)
    model = network(key["source"], key["blocks"], classes, protocol)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    loader = DataLoader(
        training_set(images, labels, protocol["augmentation"]),
        protocol["batch"],
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(
        trained, protocol["learning_rate"], protocol["momentum"], weight_decay=protocol["weight_decay"]
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(protocol["epochs"] // 3, 1), 0.1)
    model.train(protocol["batch_norm"] == "train")
    found = {"evaluations": [], "first_losses": [], "test_loss_after_first_step": None}
    for epoch in range(1, protocol["epochs"] + 1):
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for batch, labels in loader:
            logits = model(batch)
            loss = cross_entropy(logits, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss_sum += loss.detach() * len(labels)
            correct += (logits.detach().argmax(1) == labels).sum()
            if len(found["first_losses"]) < FIRST_LOSSES:
                found["first_losses"].append(loss.item())
            if found["test_loss_after_first_step"] is None:
                found["test_loss_after_first_step"] = evaluate(model, tested)[1]
        schedule.step()
        if epoch in protocol["evaluate"]:
            accuracy, loss = evaluate(model, tested)
            found["evaluations"].append({
                "epoch": epoch,
                "test_accuracy": accuracy,
                "test_loss": loss,
                "train_accuracy": 100.0 * correct.item() / len(images),
                "train_loss": loss_sum.item() / len(images),
                "seconds": time.perf_counter() - start,
            })
    return {"key": key, "seed": seed} | found


def run(trials, processes, threads, workers, channels_last):
    """Fine-tunes all, `processes` at once, and prints each when it has finished, in their order."""
    if processes == 1:
        torch.set_num_threads(threads)
        for trial in trials:
            print(json.dumps(fine_tune(trial, workers, channels_last)), flush=True)
        return
    # Forked before torch computes anything, so that none of its threads is lost.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, torch.set_num_threads, [threads]) as pool:
        jobs = [pool.submit(fine_tune, trial, workers, channels_last) for trial in trials]
        for job in jobs:
            print(json.dumps(job.result()), flush=True)


# What it costs at least. ------------------------------------------------------------------------------------


def multiply_adds(model):
    """Multiply-adds of one image's forward pass, by convolution or head: all, and without padding's zeros."""
    found, handles = {}, []

    def convolution(name):
        def count(module, inputs, output):
            pairs = module.in_channels * module.out_channels
            side = module.kernel_size[0]
            met = conv2d(
                torch.ones(1, 1, *inputs[0].shape[2:]),
                torch.ones(1, 1, side, side),
                stride=module.stride,
                padding=module.padding,
            )
            found[name] = pairs * side * side * met.numel(), pairs * int(met.sum())

        return count

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            handles.append(module.register_forward_hook(convolution(name)))
    with torch.no_grad():
        model.eval()(torch.zeros(1, 1, SIDE, SIDE))
    for handle in handles:
        handle.remove()
    found["fc"] = (model.fc.in_features * model.fc.out_features,) * 2
    return found


def operations(trials):
    """Multiply-adds of an image's forward pass, and operations of all trials, where the backward pass
    costs twice the forward pass of the trained part: all, and without padding's zeros."""
    image, plan = [0, 0], [0, 0]
    for trial in trials:
        key, protocol = trial["recipe"]["key"], trial["recipe"]["protocol"]
        classes = max(pictures(key["target"], "train")[1]) + 1
        layers = multiply_adds(network(key["source"], key["blocks"], classes, protocol))
        tested = len(pictures(key["target"], "test")[1]) * (len(protocol["evaluate"]) + 1)
        for which in range(2):
            forward = sum(counts[which] for counts in layers.values())
            back = 2 * sum(
                counts[which] for name, counts in layers.items()
                if f"{name}.".startswith(tuple(TRAINED[key["blocks"]]))
            )
            image[which] = forward
            plan[which] += 2 * (protocol["epochs"] * key["images"] * (forward + back) + tested * forward)
    return {"multiply_adds_an_image": image, "operations": plan}


def rate(side=1024, times=40):
    """Operations per second of a product of two square matrices, on one thread: the median over
    repetitions."""
    torch.set_num_threads(1)
    left, right = torch.rand(side, side), torch.rand(side, side)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / statistics.median(seconds[times // 4:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ["run", "operations", "rate"]:
        command = commands.add_parser(name)
        if name != "rate":
            command.add_argument("--trials", type=Path, required=True, metavar="FILE")
        if name == "run":
            number = {"type": int, "metavar": "N"}
            command.add_argument("--processes", default=1, **number, help="trials at once")
            command.add_argument("--threads", default=1, **number, help="threads of torch in each process")
            command.add_argument("--workers", default=0, **number, help="workers of the training DataLoader")
            command.add_argument("--channels-last", action="store_true", help="channels-last layout")
    given = parser.parse_args()
    if given.command == "rate":
        json.dump({"operations_a_second": rate()}, sys.stdout)
        return
    trials = [json.loads(line)["trial"] for line in given.trials.read_text().splitlines()]
    if given.command == "operations":
        json.dump(operations(trials), sys.stdout)
    else:
        run(trials, given.processes, given.threads, given.workers, given.channels_last)


if __name__ == "__main__":
    main()
