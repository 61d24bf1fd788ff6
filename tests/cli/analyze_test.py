"""analyze: flatness and bit sensitivity of a model, and of a whole study."""

import csv
import json
import unittest

from support import CommandLineTest, TrainedModelTest

SMALL = [argument for setting in (
    "images=60", "lines=1", "line_points=5", "plane_points=3", "draws=2", "restarts=1", "steps=2",
    "curvature_images=20", "eigenvalues=1", "trace_samples=2") for argument in ("--set", setting)]

STUDY = """
[train]
dataset = "synthetic"
epochs = 1
batch = 64
network.name = "mlp"
network.hidden = [12]
[[arm]]
name = "standard"
[[arm]]
name = "standard-saq-code"
metric = "code"
radius = 0.02
[campaign]
kinds = ["flip"]
rates = [0.05]
maps = 3
images = 100
[validation]
maps = 2
images = 40
"""


class Analyze(TrainedModelTest):

    def test_says_how_flat_and_which_bits_matter(self):
        text = self.succeed("analyze", self.model, *SMALL)
        for words in ("Hessian eigenvalue 1", "sharpness, code metric", "Hessian trace",
                      "distance from start, fc1.weight", "mean square of codes", "bit 3", "double backward",
                      "of second order"):
            self.assertIn(words, text)

    def test_writes_json_csv_and_every_bit(self):
        self.succeed("analyze", self.model, *SMALL, "--out", "a.json", "--csv", "a.csv",
                     "--bits", "bits.csv")
        document = json.loads((self.folder / "a.json").read_text())
        analysis = document["analysis"]
        self.assertEqual(document["format"], 2)
        self.assertGreater(analysis["mean_square_code"], 0)
        self.assertEqual(analysis["images"], 60)
        self.assertEqual(len(analysis["landscape"]["plane"]["loss"]), 9)
        rows = list(csv.DictReader((self.folder / "a.csv").read_text().splitlines()))
        self.assertIn("Hessian trace", {row["measure"] for row in rows})
        cells = sum(bit["cells"] for bit in analysis["bits"])
        bits = list(csv.DictReader((self.folder / "bits.csv").read_text().splitlines()))
        self.assertEqual(len(bits), cells)
        # What the table means is the mean over its cells.
        first = analysis["bits"][0]
        of_bit = [float(row["first"]) for row in bits
                  if row["tensor"] == first["tensor"] and int(row["bit"]) == first["bit"]]
        self.assertAlmostEqual(sum(of_bit) / len(of_bit), first["kinds"][0]["first"], places=7)

    def test_json_is_the_same_at_every_run(self):
        one = self.succeed("analyze", self.model, *SMALL, "--json")
        self.assertEqual(one, self.succeed("analyze", self.model, *SMALL, "--set", "threads=2",
                                           "--json"))

    def test_mistakes(self):
        self.fail_with("analyze", words=["name model files", "--study"])
        self.fail_with("analyze", "nothing.safetensors", words=["nothing.safetensors"])
        self.fail_with("analyze", self.model, "--set", "line_points=4", words=["line_points", "odd"])
        self.fail_with("analyze", self.model, "--set", "line_point=5",
                       words=["did you mean 'line_points'"])
        self.fail_with("analyze", self.model, "--set", "images=99999999", words=["images", "99999999"])
        self.fail_with("analyze", self.model, self.model, "--out", "a.json", words=["--out"])
        self.fail_with("analyze", self.model, "--study", ".", words=["--study", "not both"])
        self.fail_with("analyze", "--study", ".", words=["study.toml"])


class AnalyzeStudy(CommandLineTest):

    def test_a_study(self):
        self.write("study.toml", STUDY)
        self.succeed("study", "study.toml", "--out", "s")
        text = self.succeed("analyze", "--study", "s", "--sweep-maps", "2", *SMALL)
        self.assertIn("Does a measure taken without faults foretell", text)
        self.assertIn("layers", text)
        self.assertIn("analysis.json", text)
        document = json.loads((self.folder / "s/analysis.json").read_text())
        self.assertEqual(len(document["study"]["networks"]), 2)
        self.assertEqual(len(document["study"]["rankings"]), 4)
        self.assertTrue((self.folder / "s/arms/standard-seed0/analysis.json").exists())
        again = self.succeed_json("analyze", "--study", "s", "--sweep-maps", "2", *SMALL)
        self.assertEqual(again, document)


if __name__ == "__main__":
    unittest.main()
