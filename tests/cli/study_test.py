"""study: arms trained, corrupted, compared; resumed, and redone only where something changed."""

import json
import signal
import unittest

from support import CommandLineTest

STUDY = """
seeds = [0, 1]
jobs = 2

[train]
dataset = "synthetic"
epochs = 2
batch = 64

[train.network]
name = "mlp"
hidden = [32]

[train.optimizer]
warmup_steps = 10

[train.sparsity]
strength = 1e-4

[[arm]]
name = "standard"

[[arm]]
name = "standard-saq-code"
metric = "code"
radius = 0.01

[[arm]]
name = "sparse"
sparse = true

[[arm]]
name = "sparse-saq-code"
sparse = true
metric = "code"
radius = 0.01

[campaign]
kinds = ["flip", "stuck1"]
rates = [0.01, 0.05]
maps = 4
images = 200

[validation]
maps = 3
images = 60
"""
ARMS = ("standard", "standard-saq-code", "sparse", "sparse-saq-code")


class Study(CommandLineTest):

    def setUp(self):
        super().setUp()
        self.write("study.toml", STUDY)

    def study(self, *more):
        return ("study", "study.toml", "--out", "out", *more)

    def models(self):
        """Modification time and bytes of every model file."""
        return {path.parent.name: (path.stat().st_mtime_ns, path.read_bytes())
                for path in (self.folder / "out/arms").glob("*/model.safetensors")}

    def test_summary_has_every_figure(self):
        text = self.succeed(*self.study())
        for word in (*ARMS, "C1", "C4", "95 %"):
            self.assertIn(word, text)
        summary = json.loads((self.folder / "out/summary.json").read_text())
        self.assertEqual({(arm["name"], arm["seed"]) for arm in summary["arms"]},
                         {(name, seed) for name in ARMS for seed in (0, 1)})
        self.assertEqual(len(summary["faulty"]), 4 * 2 * 4)
        self.assertEqual({claim["id"] for claim in summary["claims"]}, {"C1", "C2", "C3", "C4"})
        self.assertEqual(len(summary["claims_by_cell"]), 4 * len(summary["claims"]))
        for cell in summary["faulty"]:
            self.assertEqual((cell["maps"], cell["images"]), (4, 200))
        for arm in summary["arms"]:
            shown = self.succeed_json("show", f"out/{arm['model']}")
            self.assertAlmostEqual(shown["clean_accuracy"], arm["clean"], places=4)
        for name in ("tables.txt", "arms.csv", "faulty.csv", "claims.csv", "curves.svg"):
            self.assertGreater((self.folder / "out" / name).stat().st_size, 0, name)

    def test_claims_are_differences_of_the_figures(self):
        self.succeed(*self.study())
        summary = json.loads((self.folder / "out/summary.json").read_text())

        def faulty(arm, claim):
            means = [cell["mean"] for cell in summary["faulty"] if cell["arm"] == arm
                     and (cell["kind"], cell["rate"]) == (claim["kind"], claim["rate"])]
            return sum(means) / len(means)

        pairs = {"C1": ("standard", "sparse"), "C2": ("sparse-saq-code", "sparse"),
                 "C3": ("standard-saq-code", "standard"), "C4": ("sparse-saq-code", "standard")}
        for claim in summary["claims_by_cell"]:
            better, worse = pairs[claim["id"]]
            self.assertAlmostEqual(claim["points"], faulty(better, claim) - faulty(worse, claim),
                                   places=6)
            if claim["holds"]:
                self.assertGreater(claim["lo"], 0)

    def test_again_does_nothing_anew(self):
        self.succeed(*self.study())
        summary = (self.folder / "out/summary.json").read_bytes()
        models = self.models()
        self.succeed(*self.study())
        self.assertEqual(self.models(), models)
        self.assertEqual((self.folder / "out/summary.json").read_bytes(), summary)

    def test_only_the_changed_arm_is_trained_again(self):
        self.succeed(*self.study())
        before = self.models()
        text = STUDY.replace('metric = "code"\nradius = 0.01', 'metric = "code"\nradius = 0.02', 1)
        self.write("study.toml", text)
        self.succeed(*self.study())
        changed = {name for name, model in self.models().items() if before[name] != model}
        self.assertEqual(changed, {"standard-saq-code-seed0", "standard-saq-code-seed1"})

    def test_number_of_jobs_does_not_matter(self):
        self.succeed(*self.study())
        self.succeed("study", "study.toml", "--out", "one", "--set", "jobs=1")
        self.assertEqual((self.folder / "out/summary.json").read_bytes(),
                         (self.folder / "one/summary.json").read_bytes())

    def test_interrupted_study_goes_on_to_the_same_summary(self):
        self.succeed("study", "study.toml", "--out", "whole")
        process = self.start(*self.study())
        self.wait_until(process, lambda: any((self.folder / "out").glob("arms/*/log.jsonl")))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("the same command goes on", err.splitlines()[-1])
        self.assertFalse((self.folder / "out/summary.json").exists())
        self.succeed(*self.study())
        self.assertEqual((self.folder / "out/summary.json").read_bytes(),
                         (self.folder / "whole/summary.json").read_bytes())

    def test_json_is_the_summary(self):
        printed = self.succeed_json(*self.study())
        self.assertEqual(printed, json.loads((self.folder / "out/summary.json").read_text()))


class Mistakes(CommandLineTest):

    def refuse(self, change, *words):
        self.assertIn(change[0], STUDY)
        self.write("study.toml", STUDY.replace(*change, 1))
        self.fail_with("study", "study.toml", "--out", "out", words=words)

    def test_unknown_key_in_an_arm(self):
        line = STUDY.splitlines().index('metric = "code"') + 1
        self.refuse(('metric = "code"', 'metrik = "code"'), f"study.toml:{line}", "metrik",
                    "did you mean 'metric'?")

    def test_unknown_metric(self):
        self.refuse(('metric = "code"', 'metric = "cod"'), "cod", "did you mean 'code'?")

    def test_rate_outside_its_range(self):
        self.refuse(("rates = [0.01, 0.05]", "rates = [0.01, 1.05]"), "study.toml:", "rates", "1.05")

    def test_two_arms_of_one_name(self):
        self.refuse(('name = "sparse"', 'name = "standard"'), "standard")

    def test_arm_whose_name_leaves_the_folder(self):
        self.refuse(('name = "sparse"', 'name = "../sparse"'), "../sparse")

    def test_protections(self):
        self.refuse(("jobs = 2", 'jobs = 2\nprotections = ["secdec:64"]'), "protections", "secdec")
        self.write("study.toml", STUDY.replace("jobs = 2", 'jobs = 2\nprotections = ["secded:64"]')
                   .replace("[campaign]", '[campaign]\nguard = "parity:8"'))
        self.fail_with("study", "study.toml", "--out", "out", words=["protections", "campaign.guard"])

    def test_missing_dataset(self):
        self.refuse(('dataset = "synthetic"', 'dataset = "kmnist"'), "kmnist")

    def test_missing_study(self):
        self.fail_with("study", "nowhere.toml", words=["nowhere.toml"])

    def test_unwritable_folder(self):
        self.write("study.toml", STUDY)
        self.write("out", "in the way")
        self.fail_with("study", "study.toml", "--out", "out", words=["out"])


if __name__ == "__main__":
    unittest.main()
