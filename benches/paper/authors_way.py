"""The paper's fine-tune the way its authors ran it, for `bench.py`: PIL transforms in loader workers,
single precision (on a GPU with TF32 if `--precision` says so), PyTorch's default memory layout.
"""

import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import network

PADDING, JITTER, DEGREES = 4, 0.25, 2.0


class Pictures(Dataset):
    """PIL images in memory with their labels."""

    def __init__(self, count, transform):
        pixels, labels = network.random_bytes(count)
        self.pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in pixels]
        self.labels, self.transform = labels.tolist(), transform

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, at):
        return self.transform(self.pictures[at]), self.labels[at]


def main():
    parser = network.arguments(__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=16, metavar="N", help="workers of each loader [16]")
    given = parser.parse_args()
    if given.precision == "bf16":
        parser.error("the authors ran fp32; on newer GPUs tf32 is what that means")
    device = network.prepare(given)
    size = [network.SIDE, network.SIDE]
    augmented = transforms.Compose([
        transforms.Resize(size),
        transforms.RandomCrop(size, PADDING),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(JITTER, JITTER, JITTER),
        transforms.RandomRotation(DEGREES),
        transforms.ToTensor(),
    ])
    plain = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()])
    more = {"num_workers": given.workers, "pin_memory": device.type == "cuda"}
    loader = DataLoader(Pictures(given.batch * given.steps, augmented), given.batch, shuffle=True, **more)
    tests = DataLoader(Pictures(given.tested, plain), given.batch, **more)
    model = network.Normalised(given.blocks).to(device)
    optimiser = network.descent(model)

    def train(_):
        model.train()
        loss_sum = 0.0
        for images, labels in loader:
            images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            loss = cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            # The `robustness` library keeps averages of loss and accuracy after each step, on the host.
            loss_sum += loss.item()
        return loss_sum / given.steps

    @torch.no_grad()
    def test():
        model.eval()
        correct = 0
        for images, labels in tests:
            logits = model(images.to(device, non_blocking=True))
            correct += (logits.argmax(1) == labels.to(device, non_blocking=True)).sum().item()
        return correct

    network.measured(given, device, train, test)


if __name__ == "__main__":
    main()
