#!/usr/bin/python3
"""Writes the baselines that training's arithmetic is tested against, computed by python3-torch.

    /usr/bin/python3 tests/parity/generate.py

quantizers.json: every quantizer's forward values and gradients on random tensors.
group_norm.json: torch's group normalization, forward and gradients.
steps.json: a small network trained for a few steps by each step plan.
optimizer.json: torch.optim.SGD on fixed gradients.
analysis.json: a small integer network's losses, gradient, Hessian, sharpness and landscape.
Everything is written with torch's own operations and automatic differentiation, from the papers'
formulas; nothing here is shared with the program.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(20240607)
torch.set_num_threads(1)
FOLDER = os.path.dirname(os.path.abspath(__file__))


def numbers(x):
    return [float(f"{v:.9g}") for v in x.detach().reshape(-1).tolist()]


def write(name, value):
    with open(os.path.join(FOLDER, name), "w") as file:
        json.dump(value, file)
        file.write("\n")


def round_straight(x):
    return x + (x.round() - x).detach()


def scale_gradient(x, factor):
    return (x - x * factor).detach() + x * factor


def lsq(w, step, bits):
    low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    s = scale_gradient(step.abs(), 1 / (w.numel() * high) ** 0.5)
    return round_straight((w / s).clamp(low, high)) * s


def saq(w, clip, bits, normalised):
    n = 2 ** bits - 1
    if normalised:
        w = (w - w.mean().detach()) / w.std().detach()
    a = clip.abs()
    t = (w / a).clamp(-1, 1)
    return a * (2 * round_straight((t + 1) / 2 * n) / n - 1)


def robust(w, bits):
    high = 2 ** (bits - 1) - 1
    lo, hi = w.min().detach(), w.max().detach()
    scale, middle = (hi - lo) / 2 / high, (hi + lo) / 2
    return w + (((w - middle) / scale).round().clamp(-high, high) * scale + middle - w).detach()


def symmetric(w, bits):
    scale = w.abs().max().detach() / (2 ** (bits - 1) - 1)
    return w + ((w / scale).trunc() * scale - w).detach()


def activation(x, step, bits, samples):
    high = 2 ** bits - 1
    s = scale_gradient(step, 1 / (x.numel() / samples * high) ** 0.5)
    return round_straight((F.relu(x) / s).clamp(0, high)) * s


def signed(x, step, bits, samples):
    low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    s = scale_gradient(step, 1 / (x.numel() / samples * high) ** 0.5)
    return round_straight((x / s).clamp(low, high)) * s


def quantizer_cases():
    cases = []

    def case(kind, bits, shape, step, function):
        x = torch.randn(shape, requires_grad=True)
        s = torch.tensor(float(step), requires_grad=True)
        y = function(x, s)
        g = torch.randn(shape)
        y.backward(g)
        gs = 0.0 if s.grad is None else s.grad.item()
        cases.append(dict(kind=kind, bits=bits, shape=list(shape), step=s.item(), x=numbers(x),
                          g=numbers(g), y=numbers(y), gx=numbers(x.grad), gstep=gs))

    conv, dense = (4, 3, 3, 3), (7, 9)
    for bits, step in ((2, 0.9), (3, 0.5), (4, 0.25), (4, -0.25), (8, 0.015)):
        case("lsq", bits, conv, step, lambda x, s: lsq(x, s, bits))
    for bits, clip in ((2, 1.0), (4, 2.0), (4, -1.3), (8, 2.5)):
        case("saq", bits, conv, clip, lambda x, s: saq(x, s, bits, True))
        case("saq", bits, dense, clip, lambda x, s: saq(x, s, bits, False))
    for bits in (3, 4, 8):
        case("robust", bits, dense, 1.0, lambda x, s: robust(x, bits))
    for bits, step in ((2, 0.6), (4, 0.1), (8, 0.02)):
        case("activation", bits, (6, 2, 2, 5), step, lambda x, s: activation(x, s, bits, 5))
    case("signed", 4, (6, 2, 2, 5), 0.2, lambda x, s: signed(x, s, 4, 5))
    for bits in (3, 4, 8):
        case("symmetric", bits, dense, 1.0, lambda x, s: symmetric(x, bits))
    return cases


def group_norm_cases():
    g = torch.Generator().manual_seed(13)
    cases = []
    for shape, groups, epsilon in (((2, 6, 3, 4), 3, 1e-5), ((17, 4, 2, 2), 1, 1e-5),
                                   ((3, 8, 1, 1), 2, 1e-2), ((2, 5, 2, 3), 5, 1e-3)):
        x = (torch.randn(shape, generator=g) * 2 + 1).double().requires_grad_()
        gamma = torch.randn(shape[1], generator=g).double().requires_grad_()
        beta = torch.randn(shape[1], generator=g).double().requires_grad_()
        gradient = torch.randn(shape, generator=g).double()
        y = F.group_norm(x, groups, gamma, beta, epsilon)
        y.backward(gradient)
        cases.append(dict(shape=list(shape), groups=groups, epsilon=epsilon, x=numbers(x),
                          gamma=numbers(gamma), beta=numbers(beta), g=numbers(gradient),
                          y=numbers(y), gx=numbers(x.grad), ggamma=numbers(gamma.grad),
                          gbeta=numbers(beta.grad)))
    return cases


class Net:
    """conv 3@3x3 (padding 1), activation, max pool, linear 4: the graph of step_plan_test.cpp."""

    BITS = 4

    def __init__(self):
        g = torch.Generator().manual_seed(7)

        def param(*shape, scale=0.4):
            return (torch.randn(*shape, generator=g) * scale).requires_grad_()

        self.p = {"conv.weight": param(3, 1, 3, 3), "conv.bias": param(3, scale=0.1),
                  "fc.weight": param(4, 27), "fc.bias": param(4, scale=0.1)}
        for name, step in (("conv.weight_step", 0.12), ("act.step", 0.11),
                           ("fc.weight_step", 0.1)):
            self.p[name] = torch.tensor(step, requires_grad=True)

    def forward(self, x, eps=None):
        p = self.p
        self.wq = [lsq(p["conv.weight"], p["conv.weight_step"], self.BITS),
                   lsq(p["fc.weight"], p["fc.weight_step"], self.BITS)]
        for w in self.wq:
            w.retain_grad()
        w = self.wq if eps is None else [w + e for w, e in zip(self.wq, eps)]
        x = F.conv2d(x, w[0], p["conv.bias"], padding=1)
        self.a = F.relu(x)
        x = activation(x, p["act.step"], self.BITS, x.shape[0])
        return F.linear(F.max_pool2d(x, 2).flatten(1), w[1], p["fc.bias"])


def loss_of(net, x, labels, strength, eps=None):
    ce = F.cross_entropy(net.forward(x, eps), labels)
    return ce, ce + strength * net.a.sum() / x.shape[0]


def ascend(net, metric, radius, eta=0.01):
    """Perturbation of the quantized weights and of other parameters (a dictionary)."""
    g = [w.grad for w in net.wq]
    d = [abs(net.p["conv.weight_step"].item()), abs(net.p["fc.weight_step"].item())]
    others = {}
    if metric == "code":
        norm = torch.sqrt(sum(((s * x) ** 2).sum() for s, x in zip(d, g)))
        count = sum(x.numel() for x in g) ** 0.5
        return [radius * count * s ** 2 * x / norm for s, x in zip(d, g)], others
    if metric == "code_per_layer":
        return [radius * x.numel() ** 0.5 * s * x / x.norm() for s, x in zip(d, g)], others
    members = {n: net.p[n] for n in ("conv.bias", "fc.bias", "act.step")}
    adaptive = metric == "adaptive"
    t = [w.detach().abs() + eta if adaptive else torch.ones_like(w) for w in net.wq]
    tm = {n: v.detach().abs() + eta if adaptive and n == "act.step" else torch.ones_like(v)
          for n, v in members.items()}
    norm = torch.sqrt(sum(((x * s) ** 2).sum() for x, s in zip(g, t)) +
                      sum(((v.grad * tm[n]) ** 2).sum() for n, v in members.items()))
    others = {n: radius / norm * tm[n] ** 2 * v.grad for n, v in members.items()}
    return [radius / norm * s ** 2 * x for x, s in zip(g, t)], others


def train(metric, radius, strength=0.01, steps=5, rate=0.03):
    net = Net()
    start = {n: numbers(v) for n, v in net.p.items()}
    g = torch.Generator().manual_seed(11)
    pixels = torch.randint(0, 256, (steps, 8, 1, 6, 6), generator=g)
    labels = torch.randint(0, 4, (steps, 8), generator=g)
    weights = [v for n, v in net.p.items() if n.endswith(".weight")]
    rest = [v for n, v in net.p.items() if not n.endswith(".weight")]
    optimizer = torch.optim.SGD([dict(params=weights, weight_decay=1e-3), dict(params=rest)],
                                lr=rate, momentum=0.9, nesterov=True)
    losses = []
    for i in range(steps):
        x = (pixels[i].float() - 100) * torch.tensor(0.01)
        optimizer.zero_grad()
        ce, loss = loss_of(net, x, labels[i], strength)
        losses.append(ce.item())
        loss.backward()
        if metric != "plain":
            eps, others = ascend(net, metric, radius)
            optimizer.zero_grad()
            saved = {n: net.p[n].detach().clone() for n in others}
            with torch.no_grad():
                for n, e in others.items():
                    net.p[n].add_(e)
            loss_of(net, x, labels[i], strength, eps)[1].backward()
            with torch.no_grad():
                for n, v in saved.items():
                    net.p[n].copy_(v)
        optimizer.step()
    return dict(metric=metric, radius=radius, strength=strength, steps=steps, rate=rate,
                pixels=[int(v) for v in pixels.reshape(-1)],
                labels=[int(v) for v in labels.reshape(-1)], start=start,
                end={n: numbers(v) for n, v in net.p.items()}, losses=losses)


def optimizer_case(nesterov, weight_decay):
    p = torch.randn(6, requires_grad=True)
    start, gradients = numbers(p), torch.randn(5, 6)
    sgd = torch.optim.SGD([p], lr=0.1, momentum=0.9, nesterov=nesterov, weight_decay=weight_decay)
    for g in gradients:
        p.grad = g.clone()
        sgd.step()
    return dict(nesterov=nesterov, weight_decay=weight_decay, start=start,
                gradients=[numbers(g) for g in gradients], end=numbers(p))


class IntegerNet:
    """conv 3x3 (2 to 3 channels, weight offset), activation, pool, linear: real-valued codes."""

    def __init__(self, images):
        g = torch.Generator().manual_seed(5)
        self.q = torch.randint(0, 256, (images, 2, 6, 6), generator=g)
        self.labels = torch.randint(0, 4, (images,), generator=g)
        self.codes = [torch.randint(-8, 8, (3, 2, 3, 3), generator=g).double(),
                      torch.randint(-8, 8, (4, 27), generator=g).double()]
        # float32 values, as the model holds them
        f = lambda *v: torch.tensor(v).float().double()
        self.scale, self.offset = f(0.05, 0.02), f(0.025, 0.0)
        self.multiplier = [f(0.002, 0.003, -0.0025), f(0.01, 0.012, 0.008, 0.011)]
        self.window = f(0.0004, -0.0003, 0.0002)
        self.addend = [f(2.0, 1.0, 4.0), f(0.1, -0.2, 0.3, 0.0)]
        self.weights = [c * s + o for c, s, o in zip(self.codes, self.scale, self.offset)]

    def loss(self, conv, fc):
        """Mean cross entropy with these displacements of the dequantized weights."""
        x = (self.q - 100).double()
        view = lambda t: t.view(1, -1, 1, 1)
        v = F.conv2d(x, self.codes[0] + conv / self.scale[0], padding=1) * view(self.multiplier[0])
        v = v + F.conv2d(x, torch.ones(1, 2, 3, 3).double(), padding=1) * view(self.window)
        v = v + view(self.addend[0])
        c = v.clamp(0, 15)
        c = c + (c.round() - c).detach()
        x = F.max_pool2d(c, 2).flatten(1)
        logits = x @ (self.codes[1] + fc / self.scale[1]).t() * self.multiplier[1] + self.addend[1]
        return F.cross_entropy(logits, self.labels)

    def split(self, flat):
        return flat[:54].view(3, 2, 3, 3), flat[54:].view(4, 27)


def precise(x):
    return [float(f"{v:.15g}") for v in x.detach().reshape(-1).tolist()]


def ascend_flat(net, g, metric, radius):
    w = torch.cat([v.reshape(-1) for v in net.weights])
    d = torch.cat([torch.full((54,), float(net.scale[0])),
                   torch.full((108,), float(net.scale[1]))]).double()
    if metric == "weight":
        return radius * g / g.norm()
    if metric == "adaptive":
        t = w.abs() + 0.01
        return radius * t * t * g / (t * g).norm()
    return radius * len(g) ** 0.5 * d * d * g / (d * g).norm()


def filter_normalise(net, draws):
    out = []
    for d, w in zip(net.split(draws), net.weights):
        rows, target = d.reshape(len(d), -1), w.reshape(len(w), -1).norm(dim=1, keepdim=True)
        out.append(rows * target / (rows.norm(dim=1, keepdim=True) + 1e-10))
    return torch.cat([v.reshape(-1) for v in out])


def analysis_case():
    net = IntegerNet(20)
    at = lambda flat: net.loss(*net.split(flat))
    zero = torch.zeros(162).double()
    leaf = zero.clone().requires_grad_()
    gradient, = torch.autograd.grad(at(leaf), leaf)
    hessian = torch.autograd.functional.hessian(at, zero)
    values = torch.linalg.eigvalsh(hessian)
    g = torch.Generator().manual_seed(6)
    vector = torch.randn(162, generator=g).double()
    signs = (torch.randint(0, 2, (162,), generator=g) * 2 - 1).double()
    first = filter_normalise(net, vector)
    second = filter_normalise(net, torch.randn(162, generator=g).double())
    side = [-0.5, 0.0, 0.5]
    ascents = {m: ascend_flat(net, gradient, m, r)
               for m, r in (("weight", 0.1), ("adaptive", 0.5), ("code", 0.02))}
    return dict(
        pixels=[int(v) for v in net.q.reshape(-1)], labels=[int(v) for v in net.labels],
        codes=[[int(v) for v in c.reshape(-1)] for c in net.codes],
        scale=precise(net.scale), offset=precise(net.offset), window=precise(net.window),
        multiplier=[precise(m) for m in net.multiplier], addend=[precise(a) for a in net.addend],
        loss=at(zero).item(), gradient=precise(gradient),
        eigenvalues=precise(values[values.abs().argsort(descending=True)][:3]),
        trace=hessian.trace().item(), diagonal=precise(hessian.diagonal()),
        vector=precise(vector), product=precise(hessian @ vector),
        signs=precise(signs), quadratic=(signs @ hessian @ signs).item(),
        sharpness={m: at(e).item() - at(zero).item() for m, e in ascents.items()},
        distance={m: e.norm().item() for m, e in ascents.items()},
        direction=precise(first), second_direction=precise(second), side=side,
        line=[at(x * first).item() for x in side],
        plane=[at(x * first + y * second).item() for y in side for x in side])


write("quantizers.json", quantizer_cases())
write("group_norm.json", group_norm_cases())
write("steps.json", [train("plain", 0.0), train("weight", 0.1), train("adaptive", 0.2),
                     train("code", 0.05), train("code_per_layer", 0.05)])
write("optimizer.json", [optimizer_case(n, d) for n in (False, True) for d in (0.0, 0.01)])
write("analysis.json", analysis_case())
