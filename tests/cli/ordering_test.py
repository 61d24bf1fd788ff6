"""The published order of defences, trained at the smallest scale: errors under bit errors fall from
symmetric quantization to robust quantization, to clipping, to random bit errors in training (Stutz
et al., MLSys 2021)."""

import json
import unittest

from support import CommandLineTest

STUDY = """
seeds = [0, 1]
[train]
dataset = "synthetic"
epochs = 12
batch = 64
[train.network]
name = "mlp"
hidden = [32, 32]
quantizer = "robust"
encoding = "offset_binary"
weight_bits = 8
activation_bits = 8
[train.optimizer]
warmup_steps = 10
[[arm]]
name = "normal"
set = ["network.quantizer=symmetric", "network.encoding=twos_complement"]
[[arm]]
name = "rquant"
[[arm]]
name = "clip"
set = ["optimizer.weight_clip=0.2"]
[[arm]]
name = "randbet"
set = ["optimizer.weight_clip=0.2", "plan.kind=random_bit_error", "plan.errors.rate=0.1"]
[campaign]
kinds = ["flip"]
rates = [0.05, 0.1, 0.2]
maps = 20
images = 200
[validation]
maps = 2
images = 60
"""
ORDER = ("normal", "rquant", "clip", "randbet")


class Ordering(CommandLineTest):

    def test_errors_fall_in_the_published_order(self):
        self.write("study.toml", STUDY)
        self.succeed("study", "study.toml", "--out", "run")
        summary = json.loads((self.folder / "run" / "summary.json").read_text())
        for arm in summary["arms"]:
            self.assertGreater(arm["clean"], 99, arm)
        # Where every two neighbours differ by more than their intervals.
        for better, worse, rate in (("rquant", "normal", 0.05), ("clip", "rquant", 0.05),
                                    ("clip", "rquant", 0.1), ("randbet", "clip", 0.1),
                                    ("randbet", "clip", 0.2)):
            for seed in (0, 1):
                with self.subTest(better=better, worse=worse, rate=rate, seed=seed):
                    good, bad = (self.cell(summary, arm, seed, rate) for arm in (better, worse))
                    self.assertGreater(good["mean"], bad["mean"])
        for rate in (0.05, 0.1, 0.2):
            means = [sum(self.cell(summary, arm, seed, rate)["mean"] for seed in (0, 1)) / 2
                     for arm in ORDER]
            with self.subTest(rate=rate, means=means):
                self.assertEqual(means, sorted(means))

    def cell(self, summary, arm, seed, rate):
        cells = [cell for cell in summary["faulty"]
                 if (cell["arm"], cell["seed"], cell["rate"]) == (arm, seed, rate)]
        self.assertEqual(len(cells), 1)
        return cells[0]


if __name__ == "__main__":
    unittest.main()
