# Evaluates a model file in NumPy from docs/formats.md, and compares with `flatenn eval`: the number
# of right answers must be the same, because the arithmetic is exact.
#
#     /usr/bin/python3 evaluate.py [MODEL [IMAGES]]
#
# Expected output:
#   2000 test images, NumPy: {} % correct
#   2000 test images, flatenn: {} % correct
#   equal
import gzip
import json
import os
import struct
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    HERE, "..", "02_bring_your_own_network", "my_network.safetensors")
IMAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
PROGRAM = os.environ.get("FLATENN_PROGRAM", "flatenn")
FOLDER = "/usr/share/datasets/fashion-mnist"


def read_model(path):
    """Nodes and tensors of a model file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    model = json.loads(header.pop("__metadata__")["flatenn"])
    assert model["version"] in (1, 2)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype = {"I8": np.int8, "F32": np.float32}[entry["dtype"]]
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    return model["nodes"], tensors


def windows(codes, node):
    """(images, channels, y, x, kernel, kernel) of (images, channels, height, width)."""
    pad, k, stride = node.get("padding", 0), node["kernel"], node.get("stride", 1)
    codes = np.pad(codes, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    view = np.lib.stride_tricks.sliding_window_view(codes, (k, k), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def affine(node, tensors, sums, window_sums):
    """The float map of conv2d and linear; channels are axis 1."""
    def tensor(what):
        return tensors[f"{node['name']}.{what}"].reshape((1, -1) + (1,) * (sums.ndim - 2))
    v = sums.astype(np.float32) * tensor("multiplier")
    if node["weights"].get("offset", 0) != 0:
        v = v + window_sums.astype(np.float32) * tensor("window_multiplier")
    return v + tensor("addend")


def group_norm(v, node, tensors):
    """Sums run element by element: NumPy's own have another order."""
    rows = v.reshape(len(v), node["groups"], -1).astype(np.float64)
    count, total, squares = rows.shape[2], 0.0, 0.0
    for i in range(count):
        total = total + rows[:, :, i]
    mean = (total / count)[:, :, None]
    for i in range(count):
        squares = squares + (rows[:, :, i] - mean[:, :, 0]) ** 2
    epsilon = float(np.float32(node.get("epsilon", 1e-5)))
    gain = (1 / np.sqrt(squares / count + epsilon)).astype(np.float32)[:, :, None]
    normal = (rows.astype(np.float32) - mean.astype(np.float32)) * gain
    multiplier, addend = (tensors[f"{node['name']}.{what}"].reshape(1, -1, 1, 1)
                          for what in ("multiplier", "addend"))
    return normal.reshape(v.shape) * multiplier + addend


def evaluate(nodes, tensors, pixels):
    """Logits of raw images (images, channels, height, width). Every result is 4-dimensional."""
    results = {}
    for node in nodes:
        x = [results[name] for name in node["inputs"]]
        kind, name = node["kind"], node["name"]
        if kind == "input":
            y = pixels.astype(np.int64) - node["zero_point"]
        elif kind == "conv2d":
            w, view = tensors[f"{name}.weight"].astype(np.int64), windows(x[0], node)
            sums = np.tensordot(view, w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
            y = affine(node, tensors, sums, view.sum((1, 4, 5))[:, None])
        elif kind == "linear":
            flat = x[0].reshape(len(pixels), -1)
            sums = flat @ tensors[f"{name}.weight"].astype(np.int64).T
            y = affine(node, tensors, sums, flat.sum(1, keepdims=True))[:, :, None, None]
        elif kind == "channel_affine":
            scale, shift = (tensors[f"{name}.{part}"].reshape(1, -1, 1, 1)
                            for part in ("multiplier", "addend"))
            y = x[0].astype(np.float32) * scale + shift
        elif kind == "group_norm":
            y = group_norm(x[0], node, tensors)
        elif kind == "activation":
            y = np.rint(np.clip(x[0], 0, 2 ** node["bits"] - 1)).astype(np.int64)
        elif kind == "quantize":
            half = 2 ** (node["bits"] - 1)
            y = np.rint(np.clip(x[0], -half, half - 1)).astype(np.int64)
        elif kind == "max_pool":
            y = windows(x[0], node).max((4, 5))
        elif kind == "avg_pool":
            y = windows(x[0], node).sum((4, 5)).astype(np.float32) * tensors[f"{name}.multiplier"]
        elif kind == "add":
            a, b = tensors[f"{name}.multiplier"]
            y = x[0].astype(np.float32) * a + x[1].astype(np.float32) * b
        elif kind == "flatten":
            y = x[0].reshape(len(pixels), -1, 1, 1)
        else:
            assert kind == "output"
            y = x[0]
        results[name] = y
    return y.reshape(len(pixels), -1)


def test_images(count):
    with gzip.open(f"{FOLDER}/t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16)
    with gzip.open(f"{FOLDER}/t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return pixels.reshape(-1, 1, 28, 28), labels


def main():
    nodes, tensors = read_model(MODEL)
    pixels, labels = test_images(IMAGES)
    # argmax takes the first of the largest, as the format asks.
    answers = np.concatenate([evaluate(nodes, tensors, part).argmax(1)
                              for part in np.array_split(pixels, max(1, IMAGES // 250))])
    mine = 100 * np.mean(answers == labels)
    print(f"{IMAGES} test images, NumPy: {mine:.2f} % correct")
    result = subprocess.run([PROGRAM, "eval", MODEL, "--dataset", "fashion-mnist", "--images",
                             str(IMAGES), "--json"], capture_output=True, text=True, check=True)
    theirs = json.loads(result.stdout)["subjects"][0]["clean"]
    print(f"{IMAGES} test images, flatenn: {theirs:.2f} % correct")
    assert abs(mine - theirs) < 1e-9
    print("equal")


main()
