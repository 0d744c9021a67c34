"""The paper's fine-tune in PyTorch as a good user would write it for speed, for `bench.py`.

Images are on the device as bytes, resized once. One affine map per image crops, flips and rotates a
batch, and its colours change together. Kernels are channels last; `--precision bf16` is autocast.
Torch draws random numbers on the device.
"""

import torch
from torch.nn.functional import affine_grid, cross_entropy, grid_sample
from torchvision.transforms.functional import InterpolationMode, resize

import network

PADDING, FLIP, JITTER, DEGREES = 4, 0.5, 0.25, 2.0
GREY = [0.299, 0.587, 0.114]
# On the CPU few images at once are faster: the output of a layer stays in the cache.
TESTED_AT_ONCE = {"cpu": 8, "cuda": 512}


def resized(count, device):
    """Bytes on the device at the network's size, and labels."""
    pixels, labels = network.random_bytes(count)
    parts = pixels.to(device).split(512)
    size = [network.SIDE, network.SIDE]
    return torch.cat([resize(part, size, InterpolationMode.BILINEAR) for part in parts]), labels.to(device)


def placed(images):
    """Crops after padding by 4, flips and rotates by up to 2 degrees: one affine map per image, to the
    nearest pixel."""
    count, device = len(images), images.device
    shift = torch.randint(-PADDING, PADDING + 1, (count, 2), device=device) * (2.0 / network.SIDE)
    flip = 1.0 - 2.0 * (torch.rand(count, device=device) < FLIP)
    angle = torch.deg2rad((2.0 * torch.rand(count, device=device) - 1.0) * DEGREES)
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([flip * cosine, -flip * sine, shift[:, 0]], 1),
        torch.stack([sine, cosine, shift[:, 1]], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, "nearest", "zeros", align_corners=False)


def jittered(images):
    """Brightness, contrast and saturation by a factor per image, in one order for the batch."""
    grey = torch.tensor(GREY, device=images.device).view(3, 1, 1)
    for operation in torch.randperm(3).tolist():
        factor = 1.0 + (2.0 * torch.rand(len(images), 1, 1, 1, device=images.device) - 1.0) * JITTER
        if operation == 0:
            images = images * factor
        else:
            other = (images * grey).sum(1, keepdim=True)
            other = other.mean((2, 3), keepdim=True) if operation == 1 else other
            images = other + factor * (images - other)
        images = images.clamp(0, 1)
    return images


def main():
    given = network.arguments(__doc__.partition("\n")[0]).parse_args()
    device = network.prepare(given)
    pixels, labels = resized(given.batch * given.steps, device)
    tested, labels_tested = resized(given.tested, device)
    model = network.Normalised(given.blocks).to(device, memory_format=torch.channels_last)
    optimiser = network.descent(model)
    autocast = lambda: torch.autocast(device.type, torch.bfloat16, enabled=given.precision == "bf16")

    def input_of(images):
        return images.contiguous(memory_format=torch.channels_last)

    def train(_):
        model.train()
        loss_sum = torch.zeros((), device=device)
        for batch in torch.randperm(len(pixels), device=device).split(given.batch):
            images = jittered(placed(pixels[batch] / 255.0))
            with autocast():
                loss = cross_entropy(model(input_of(images)), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss_sum += loss.detach()
        return loss_sum.item() / given.steps

    @torch.inference_mode()
    def test():
        model.eval()
        correct = torch.zeros((), dtype=torch.long, device=device)
        size = TESTED_AT_ONCE[given.device]
        for part, classes in zip(tested.split(size), labels_tested.split(size), strict=True):
            with autocast():
                logits = model(input_of(part / 255.0))
            correct += (logits.argmax(1) == classes).sum()
        return correct.item()

    network.measured(given, device, train, test)


if __name__ == "__main__":
    main()
