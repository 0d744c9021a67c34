"""Makes reference.json, which tests/influence.rs reads: influence functions of a last layer the long way.

    python -m venv venv && venv/bin/pip install -r goldens/influence/requirements.txt
    venv/bin/python goldens/influence/make_reference.py

Rewrites reference.json beside itself. The Hessian is PyTorch's, by automatic differentiation of the summed
cross-entropy; its pseudo-inverse is scipy's, cut off as the authors cut theirs (`pinv2(H, rcond=5e-2)`). Everything
is in double precision. Parameters stand in the order of features (the bias last), then classes.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import torch
from scipy import linalg

SEED = 200705869
TRAIN, TEST, FEATURES, CLASSES = 40, 15, 6, 4
# As the authors, a finer cut, and none but that of rounding.
TRUNCATIONS = [0.05, 0.02, 0.0]
DAMPING = 0.3
ROUNDING = 1e-10


def images(rng, count):
    """Features, logits of a head that has learnt a little, and labels."""
    labels = rng.integers(0, CLASSES, count)
    means = 1.5 * np.eye(CLASSES, FEATURES)
    features = np.abs(means[labels] + 0.8 * rng.standard_normal((count, FEATURES)))
    return features, labels


def loss(parameters, features, labels):
    """Summed cross-entropy."""
    ones = torch.ones(len(features), 1, dtype=torch.float64)
    logits = torch.cat([features, ones], 1) @ parameters.view(FEATURES + 1, CLASSES)
    return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")


def gradients(parameters, features, labels):
    """One row an image."""
    rows = []
    for image in range(len(features)):
        leaf = parameters.clone().requires_grad_(True)
        loss(leaf, features[image : image + 1], labels[image : image + 1]).backward()
        rows.append(leaf.grad.numpy())
    return np.stack(rows)


def inverse(hessian, truncation, damping):
    """Pseudo-inverse on the eigenspace above the cut, damped there."""
    if damping == 0 and truncation > 0:
        return linalg.pinv(hessian, atol=0.0, rtol=truncation)
    values, vectors = linalg.eigh(hessian)
    kept = values > max(truncation, ROUNDING) * values.max()
    vectors = vectors[:, kept]
    return vectors @ np.diag(1 / (values[kept] + damping)) @ vectors.T


def shares(influence, train, test):
    """How many test images have the class of their most influential training image, the second, and so on."""
    order = np.argsort(-influence, axis=1, kind="stable")
    same = train[order] == test[:, None]
    return {"matches": same.sum(0).tolist(), "three_of_five": int((same[:, :5].sum(1) >= 3).sum())}


def main():
    rng = np.random.default_rng(SEED)
    train, train_labels = images(rng, TRAIN)
    test, test_labels = images(rng, TEST)
    head = rng.standard_normal((FEATURES + 1, CLASSES))
    parameters = torch.tensor(head.reshape(-1))
    tensors = [torch.tensor(each) for each in (train, train_labels, test, test_labels)]
    hessian = torch.autograd.functional.hessian(
        lambda theta: loss(theta, tensors[0], tensors[1]), parameters
    ).numpy()
    values = np.linalg.eigvalsh(hessian)[::-1]
    of_train = gradients(parameters, tensors[0], tensors[1])
    of_test = gradients(parameters, tensors[2], tensors[3])
    cases = []
    for truncation in TRUNCATIONS:
        for damping in [0.0, DAMPING]:
            influence = of_test @ inverse(hessian, truncation, damping) @ of_train.T
            cases.append(
                {
                    "truncation": truncation,
                    "damping": damping,
                    "kept": int((values > max(truncation, ROUNDING) * values[0]).sum()),
                    "influence": influence.tolist(),
                    **shares(influence, train_labels, test_labels),
                }
            )
    reference = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "torch": torch.__version__.split("+")[0]},
        "features": FEATURES,
        "classes": CLASSES,
        "head": head.tolist(),
        "train": {"features": train.tolist(), "labels": train_labels.tolist()},
        "test": {"features": test.tolist(), "labels": test_labels.tolist()},
        "hessian": hessian.tolist(),
        "eigenvalues": values.tolist(),
        "gradients": of_test.tolist(),
        "cases": cases,
    }
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in reference.items())
    Path(__file__).with_name("reference.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
