# Trains a small network in PyTorch, quantizes it and writes it as a model file: docs/formats.md
# alone, no FlatENN and no safetensors package. `flatenn eval` and `flatenn campaign` take the file.
#
#     /usr/bin/python3 train.py [FASHION-MNIST FOLDER]
#
# Expected output:
#   float accuracy {} % on the test images
#   my_network.safetensors: {} weights of 4 bits
import gzip
import json
import struct
import sys

import numpy as np
import torch
from torch import nn

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
FILE = "my_network.safetensors"
WEIGHT_BITS = 4
ACTIVATION_BITS = 4
SCALE, ZERO_POINT = np.float32(1 / 255 / 0.353), 73  # a pixel q stands for SCALE * (q - ZERO_POINT)


def load(kind, count):
    """Pixels (count, 1, 28, 28) and labels of an IDX pair."""
    with gzip.open(f"{FOLDER}/{kind}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16)
    with gzip.open(f"{FOLDER}/{kind}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    pixels = torch.from_numpy(pixels.astype(np.float32)).view(-1, 1, 28, 28)
    return (pixels - ZERO_POINT) * SCALE, torch.from_numpy(labels.astype(np.int64))


def weight_step(layer):
    """Per-tensor step: the largest weight becomes the largest code."""
    return layer.weight.detach().abs().max() / (2 ** (WEIGHT_BITS - 1) - 1)


class Rounded(nn.Module):
    """A layer whose forward pass sees quantized weights; gradients pass straight through."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        w, step = self.layer.weight, weight_step(self.layer)
        w = w + (torch.round(w / step) * step - w).detach()
        if isinstance(self.layer, nn.Conv2d):
            return nn.functional.conv2d(x, w, self.layer.bias, self.layer.stride,
                                        self.layer.padding)
        return nn.functional.linear(x, w, self.layer.bias)


def train(net, images, labels, epochs, rate):
    optimizer = torch.optim.Adam(net.parameters(), rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()


@torch.no_grad()
def accuracy(net, images, labels):
    return 100 * (net(images).argmax(1) == labels).double().mean().item()


def write_model(path, nodes, info, tensors):
    """The container of docs/formats.md."""
    model_header = json.dumps({"version": 1, "nodes": nodes, "info": info})
    header, data = {"__metadata__": {"flatenn": model_header}}, b""
    for name, array in tensors.items():
        begin, data = len(data), data + array.tobytes()
        header[name] = {"dtype": {"float32": "F32", "int8": "I8"}[array.dtype.name],
                        "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    header = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


def layer_arrays(layer, step_in, step_out):
    """Codes and float map: codes * multiplier + addend is in units of step_out."""
    step, bias = weight_step(layer).numpy(), layer.bias.detach().numpy()
    codes = np.round(layer.weight.detach().numpy() / step).astype(np.int8)
    multiplier = np.full(len(bias), step * step_in / step_out, np.float32)
    weights = {"bits": WEIGHT_BITS, "scale": float(step)}
    return weights, {"weight": codes, "multiplier": multiplier, "addend": bias / step_out}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels = load("train", 20000)
    test_images, test_labels = load("t10k", 10000)

    conv, hidden, last = nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.Linear(392, 32), nn.Linear(32, 10)
    plain = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), hidden, nn.ReLU(), last)
    train(plain, images, labels, 4, 0.003)
    float_accuracy = accuracy(plain, test_images, test_labels)
    print(f"float accuracy {float_accuracy:.2f} % on the test images")

    rounded = nn.Sequential(Rounded(conv), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                            Rounded(hidden), nn.ReLU(), Rounded(last))
    train(rounded, images, labels, 2, 0.0005)

    # Activation steps: almost all values fit, the few above are clipped.
    steps, x = [], images[:2000]
    with torch.no_grad():
        for layer in rounded:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                largest = np.quantile(x.numpy(), 0.999)
                steps.append(np.float32(largest / (2 ** ACTIVATION_BITS - 1)))

    conv_weights, conv_arrays = layer_arrays(conv, SCALE, steps[0])
    hidden_weights, hidden_arrays = layer_arrays(hidden, steps[0], steps[1])
    last_weights, last_arrays = layer_arrays(last, steps[1], np.float32(1))
    bits = {"bits": ACTIVATION_BITS}
    nodes = [
        {"name": "image", "kind": "input", "inputs": [], "channels": 1, "height": 28, "width": 28,
         "scale": float(SCALE), "zero_point": ZERO_POINT},
        {"name": "conv", "kind": "conv2d", "inputs": ["image"], "out_channels": 8, "kernel": 5,
         "stride": 2, "padding": 2, "weights": conv_weights},
        {"name": "relu1", "kind": "activation", "inputs": ["conv"], **bits, "step": float(steps[0])},
        {"name": "pool", "kind": "max_pool", "inputs": ["relu1"], "kernel": 2, "stride": 2},
        {"name": "flat", "kind": "flatten", "inputs": ["pool"]},
        {"name": "hidden", "kind": "linear", "inputs": ["flat"], "out_features": 32,
         "weights": hidden_weights},
        {"name": "relu2", "kind": "activation", "inputs": ["hidden"], **bits,
         "step": float(steps[1])},
        {"name": "last", "kind": "linear", "inputs": ["relu2"], "out_features": 10,
         "weights": last_weights},
        {"name": "logits", "kind": "output", "inputs": ["last"]},
    ]
    info = {"name": "my network", "dataset": "fashion-mnist", "float_accuracy": float_accuracy,
            "created_by": "examples/02_bring_your_own_network/train.py"}
    arrays = {"conv": conv_arrays, "hidden": hidden_arrays, "last": last_arrays}
    tensors = {f"{node}.{what}": array for node, layer in arrays.items()
               for what, array in layer.items()}
    write_model(FILE, nodes, info, tensors)
    count = sum(array.size for name, array in tensors.items() if name.endswith(".weight"))
    print(f"{FILE}: {count} weights of {WEIGHT_BITS} bits")


main()
