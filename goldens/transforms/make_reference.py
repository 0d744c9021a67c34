"""Makes reference.npz and attack.npz, which tests/transforms.rs and tests/attack.rs read.

    python -m venv venv && venv/bin/pip install -r goldens/transforms/requirements.txt
    venv/bin/python goldens/transforms/make_reference.py

reference.npz: what torchvision's functional transforms make of PIL images, with given parameters. Batches of bytes are
[N,C,H,W]. `colour`, `grey`, `odd` and `large` go in; `<transform>/<what went in>/<arguments>` comes out. A row of
`draws/<case>` is: top and left of the crop less the padding, flip, the factors of brightness, contrast and saturation,
the order of these three, the angle in degrees; a case with draws takes the images again and again, one a row.
attack.npz: a small network, a batch, and what a plain projected gradient ascent makes of it.
Rewrites both beside itself. Images are made here, from a fixed seed: gradients, edges, texture and noise.
"""

import itertools
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nn
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms import InterpolationMode

SEED = 200705869
PADDING = 4
JITTER = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation]
HERE = Path(__file__).parent


def to_pil(pixels):
    return Image.fromarray(pixels[0]) if len(pixels) == 1 else Image.fromarray(np.moveaxis(pixels, 0, 2).copy())


def from_pil(image):
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def each(batch, transform):
    return np.stack([from_pil(transform(to_pil(pixels), at)) for at, pixels in enumerate(batch)])


def repeated(batch, count):
    """The batch again and again, until there are `count` images."""
    return np.concatenate([batch] * count)[:count]


def pictures(generator, count, channels, height, width, noise=6.0):
    """Like photographs: a gradient of light, a disc, a bar and a texture, some noise; the last image is noise alone."""
    y, x = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
    batch = []
    for _ in range(count - 1):
        planes = []
        centre, radius = generator.uniform(0.3, 0.7, 2), generator.uniform(0.15, 0.35)
        tilt = generator.uniform(-1, 1, 2)
        for _ in range(channels):
            plane = generator.uniform(40, 200) + 90 * (tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5))
            plane = np.where(np.hypot(x - centre[0], y - centre[1]) < radius, generator.uniform(0, 255), plane)
            plane = np.where(abs(x - y * tilt[0] - 0.3) < 0.06, generator.uniform(-40, 300), plane)
            plane += 25 * np.sin(generator.uniform(10, 60) * x + generator.uniform(5, 40) * y) * (y > 0.6)
            planes.append(plane + generator.normal(0, noise, plane.shape))
        batch.append(planes)
    images = np.clip(np.array(batch).reshape(count - 1, channels, height, width), 0, 255).astype(np.uint8)
    static = generator.choice([0, 255, 128, 1, 254, 77], (1, channels, height, width)).astype(np.uint8)
    return np.concatenate([images, static])


def draws(generator, count, degrees=2):
    """Within the paper's ranges, all six orders in turn; the factors are singles, as torchvision draws them."""
    orders = list(itertools.permutations(range(3)))
    rows = []
    for at in range(count):
        top, left = generator.integers(-PADDING, PADDING + 1, 2)
        factors = generator.uniform(0.75, 1.25, 3).astype(np.float32)
        rows.append([top, left, at // 2 % 2, *factors, *orders[at % 6], generator.uniform(-degrees, degrees)])
    return np.array(rows, dtype=np.float64)


def resize(image, height, width):
    return F.resize(image, [height, width], InterpolationMode.BILINEAR)


def crop(image, draw):
    padded = F.pad(image, PADDING, 0)
    return F.crop(padded, int(draw[0]) + PADDING, int(draw[1]) + PADDING, image.height, image.width)


def flip(image, draw):
    return F.hflip(image) if draw[2] else image


def jitter(image, draw):
    for operation in draw[6:9].astype(int):
        image = JITTER[operation](image, draw[3 + operation])
    return image


def rotate(image, draw):
    return F.rotate(image, draw[9], InterpolationMode.NEAREST, fill=0)


def chain(image, draw, size):
    return rotate(jitter(flip(crop(resize(image, size, size), draw), draw), draw), draw)


def transforms():
    generator = np.random.default_rng(SEED)
    colour = pictures(generator, 3, 3, 32, 32)
    grey = pictures(generator, 3, 1, 28, 28)
    odd = pictures(generator, 2, 3, 31, 47)
    large = pictures(generator, 2, 3, 178, 218, noise=0.0)[:1]
    found = {"colour": colour, "grey": grey, "odd": odd, "large": large}

    sizes = [("colour", 64, 64), ("colour", 16, 16), ("colour", 7, 10), ("grey", 64, 64), ("grey", 32, 32),
             ("grey", 14, 14), ("odd", 32, 32), ("odd", 31, 20), ("odd", 50, 47), ("large", 32, 32)]
    for name, height, width in sizes:
        found[f"resize/{name}/{height}x{width}"] = each(found[name], lambda image, _: resize(image, height, width))
    found["resize/red/224x224"] = each(colour[:1, :1], lambda image, _: resize(image, 224, 224))
    for name, through, size in [("colour", 10, 32), ("grey", 7, 28), ("odd", 16, 40)]:
        found[f"through/{name}/{through}/{size}"] = each(
            found[name], lambda image, _: resize(resize(image, through, through), size, size))

    for name, count in [("colour", 6), ("grey", 6), ("odd", 6)]:
        batch = repeated(found[name], count)
        # Farther than the paper turns images: two degrees move no pixel of one that is 28 wide.
        found[f"draws/steps/{name}"] = given = draws(generator, count, degrees=20)
        for step in [crop, flip, jitter, rotate]:
            found[f"steps/{name}/{step.__name__}"] = each(batch, lambda image, at: step(image, given[at]))

    # One operation at a time, at the ends of its range and beyond, where blending extrapolates and clips.
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    factors = np.concatenate([[0, 0.5, 0.75, 1, 1.25, 2, 7], generator.uniform(0.75, 1.25, 25)]).astype(np.float32)
    found["ramp"], found["factors"] = ramp, factors
    for operation, name in zip(JITTER, ["brightness", "contrast", "saturation"]):
        source = ramp if name != "saturation" else colour[2:, :, :16, :16]
        found[f"factor/{name}"] = np.concatenate(
            [each(source, lambda image, _: operation(image, float(factor))) for factor in factors])
    # Turns that a coarser fixed point would get wrong, and those that PIL answers without one.
    found["angles"] = np.array([-2, -1.234567, -0.05, -1e-12, 0, 1e-12, 0.5, 1.75, 2, 12.5, -45])
    found["turned"] = np.concatenate(
        [each(odd[:1], lambda image, _: F.rotate(image, float(a), fill=0)) for a in found["angles"]])

    for name, size in [("colour", 32), ("grey", 32), ("odd", 32), ("large", 40)]:
        batch = repeated(found[name], 6)
        found[f"draws/chain/{name}/{size}"] = given = draws(generator, len(batch))
        found[f"chain/{name}/{size}"] = each(batch, lambda image, at: chain(image, given[at], size))
    found["unit"] = F.to_tensor(Image.fromarray(ramp[0, 0])).numpy().reshape(256)
    return found


def pgd(logits, images, labels, constraint, epsilon, step, steps, noise, best):
    """Projected gradient ascent on the cross-entropy, per image in a loop, written from its definition (the robustness library), not from its code."""
    flat = images.flatten(1)
    start = flat.clone()
    if noise is not None and constraint == "l2":
        start = start + epsilon * torch.stack([n / n.norm() for n in noise.flatten(1)])
    elif noise is not None:
        start = start + epsilon * noise.flatten(1)
    x = start.clamp(0, 1)
    visited = []
    for taken in range(steps + 1):
        x = x.detach().requires_grad_(True)
        loss = nn.cross_entropy(logits(x.view_as(images)), labels, reduction="none")
        visited.append((loss.detach(), x.detach()))
        if taken == steps:
            break
        loss.mean().backward()
        moved = []
        for point, gradient, centre in zip(x.detach(), x.grad, flat):
            if constraint == "l2":
                point = point + step * gradient / (gradient.norm() + 1e-10)
                away = point - centre
                away = away * min(1.0, epsilon / max(away.norm().item(), 1e-30))
            else:
                away = torch.clamp(point + step * gradient.sign() - centre, -epsilon, epsilon)
            moved.append(torch.clamp(centre + away, 0, 1))
        x = torch.stack(moved)
    if not best:
        return visited[-1][1].view_as(images), visited[-1][0]
    losses = torch.stack([loss for loss, _ in visited])
    chosen = losses.argmax(0)
    points = torch.stack([point for _, point in visited])
    return points[chosen, torch.arange(len(images))].view_as(images), losses.max(0).values


def attacks():
    generator = torch.Generator().manual_seed(SEED)
    found = {
        "convolution": torch.randn(4, 3, 3, 3, generator=generator) * 0.4,
        "convolution_bias": torch.randn(4, generator=generator) * 0.1,
        "linear": torch.randn(5, 4 * 4 * 4, generator=generator) * 0.4,
        "linear_bias": torch.randn(5, generator=generator) * 0.1,
        "images": torch.rand(4, 3, 8, 8, generator=generator),
        "labels": torch.randint(5, (4,), generator=generator),
        "normal": torch.randn(4, 3, 8, 8, generator=generator),
        "uniform": torch.rand(4, 3, 8, 8, generator=generator) * 2 - 1,
    }

    def logits(x):
        # A sine, so that the loss also falls on the way and the best point is not always the last.
        hidden = torch.sin(4 * nn.conv2d(x, found["convolution"], found["convolution_bias"], padding=1))
        return nn.linear(nn.avg_pool2d(hidden, 2).flatten(1), found["linear"], found["linear_bias"])

    for constraint, epsilon, step in [("l2", 1.5, 1.8), ("linf", 0.2, 0.15)]:
        noise = found["normal" if constraint == "l2" else "uniform"]
        for start, given in [("here", None), ("random", noise)]:
            for best in [True, False]:
                images, loss = pgd(
                    logits, found["images"], found["labels"], constraint, epsilon, step, 5, given, best)
                name = f"{constraint}/{start}/{'best' if best else 'last'}"
                found[f"{name}/images"], found[f"{name}/loss"] = images, loss
    return {name: value.numpy() for name, value in found.items()}


def main():
    for name, made in [("reference.npz", transforms()), ("attack.npz", attacks())]:
        np.savez_compressed(HERE / name, **{key: np.ascontiguousarray(value) for key, value in made.items()})
        print(f"{name}: {(HERE / name).stat().st_size:,} bytes, {len(made)} arrays")


if __name__ == "__main__":
    main()
