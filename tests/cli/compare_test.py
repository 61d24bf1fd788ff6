"""compare: arms of a study or a store on equal terms: paired differences, Pareto fronts."""

import csv
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from support import PROGRAM, CommandLineTest

STUDY = """
seeds = [0, 1]
[train]
dataset = "synthetic"
epochs = 1
batch = 64
[train.network]
name = "mlp"
hidden = [16]
[[arm]]
name = "standard"
[[arm]]
name = "standard-saq"
metric = "weight"
radius = 0.05
[[arm]]
name = "standard-saq-code"
metric = "code"
radius = 0.01
[campaign]
kinds = ["flip", "stuck1"]
rates = [0.01, 0.05]
maps = 6
images = 200
[validation]
maps = 2
images = 60
"""


def mean(values):
    return sum(values) / len(values)


class Compare(CommandLineTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.studied = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.studied)
        (cls.studied / "study.toml").write_text(STUDY)
        subprocess.run([PROGRAM, "study", "study.toml", "--out", "run"], cwd=cls.studied, check=True,
                       capture_output=True)

    def setUp(self):
        super().setUp()
        shutil.copytree(self.studied / "run", self.folder / "run")

    def accuracies(self, arm, kind, rate, source=""):
        """[seed][map], percent, from the store itself."""
        store = sqlite3.connect(self.folder / "run/faults.db")
        self.addCleanup(store.close)
        kinds = ["flip", "stuck0", "stuck1", "stuck"]
        rows = {}
        for label, map_id, correct, images in store.execute(
                "SELECT label, map, correct, images FROM trial JOIN subject ON subject.id = subject "
                "WHERE kind IN (?, ?) AND rate = ? AND source = ? ORDER BY label, map",
                (kind, kinds.index(kind), rate, source)):
            if label.rsplit("-seed", 1)[0] == arm:
                rows.setdefault(label, []).append(100 * correct / images)
        return list(rows.values())

    def test_differences_are_those_of_the_store(self):
        found = self.succeed_json("compare", "run", "--kind", "flip", "--rate", "0.05")
        self.assertEqual((found["kind"], found["rate"], found["cell"]), ("flip", 0.05, "as asked"))
        self.assertEqual((found["maps"], found["images"]), (6, 200))
        self.assertEqual([arm["arm"] for arm in found["arms"]],
                         ["standard", "standard-saq", "standard-saq-code"])
        self.assertEqual(len(found["pairs"]), 3)
        for pair in found["pairs"]:
            first = self.accuracies(pair["first"], "flip", 0.05)
            second = self.accuracies(pair["second"], "flip", 0.05)
            by_seed = [mean(a) - mean(b) for a, b in zip(first, second)]
            self.assertAlmostEqual(pair["points"], mean(by_seed))
            self.assertLessEqual(pair["lo"], pair["points"])
            self.assertEqual(pair["seeds"], 2)
            self.assertEqual(pair["seeds_agree"],
                             sum((one > 0) - (one < 0) ==
                                 (pair["points"] > 1e-9) - (pair["points"] < -1e-9)
                                 for one in by_seed))
            self.assertLessEqual(pair["p"], pair["p_adjusted"])

    def test_the_cell_of_the_study_is_taken_and_said(self):
        claims = json.loads((self.folder / "run/summary.json").read_text())["claims"]
        found = self.succeed_json("compare", "run")
        self.assertEqual((found["kind"], found["rate"]), (claims[0]["kind"], claims[0]["rate"]))
        self.assertIn("the study's chosen cell", self.succeed("compare", "run"))
        (self.folder / "run/summary.json").unlink()
        self.assertIn("flip at rate 0.05 (the highest rate of flip that all 3 arms have)",
                      self.succeed("compare", "run"))

    def test_training_times_are_those_of_the_logs(self):
        found = self.succeed_json("compare", "run")
        for arm in found["arms"]:
            seconds = [sum(json.loads(line)["seconds"] for line in
                           (self.folder / f"run/arms/{arm['arm']}-seed{seed}/log.jsonl").open())
                       for seed in (0, 1)]
            self.assertAlmostEqual(arm["training_seconds"], mean(seconds))
        self.assertEqual([front["name"] for front in found["fronts"]],
                         ["clean", "sparsity", "training_seconds", "all"])

    def test_fronts_are_not_beaten(self):
        found = self.succeed_json("compare", "run")
        signs = {"faulty": 1, "clean": 1, "sparsity": 1, "training_seconds": -1}
        for front in found["fronts"]:
            def good(arm):
                return [signs[one] * arm[one] for one in front["criteria"]]
            for arm in found["arms"]:
                beaten = any(all(a >= b for a, b in zip(good(other), good(arm))) and
                             good(other) != good(arm) for other in found["arms"])
                self.assertIn(arm["arm"], front["beaten" if beaten else "front"])

    def test_a_store_alone_has_no_training_time(self):
        text = self.succeed("compare", "run/faults.db")
        self.assertIn("training time is not known", text)
        fronts = self.succeed_json("compare", "run/faults.db")["fronts"]
        self.assertEqual([front["name"] for front in fronts], ["clean", "sparsity", "all"])

    def test_a_baseline_a_choice_and_drops(self):
        found = self.succeed_json("compare", "run", "--baseline", "standard", "--basis", "drop")
        self.assertEqual({pair["second"] for pair in found["pairs"]}, {"standard"})
        self.assertEqual(len(found["pairs"]), 2)
        accuracy = self.succeed_json("compare", "run", "--baseline", "standard")
        clean = {arm["arm"]: arm["clean"] for arm in found["arms"]}
        for drop, plain in zip(found["pairs"], accuracy["pairs"]):
            self.assertAlmostEqual(drop["points"],
                                   plain["points"] - clean[drop["first"]] + clean["standard"])
        only = self.succeed_json("compare", "run", "--only", "standard-saq,standard")
        self.assertEqual([arm["arm"] for arm in only["arms"]], ["standard-saq", "standard"])
        self.assertEqual(len(only["pairs"]), 1)

    def test_files(self):
        self.succeed("compare", "run", "--csv", "pairs.csv", "--arms-csv", "arms.csv", "--svg",
                     "fronts.svg")
        with open(self.folder / "pairs.csv", newline="") as file:
            pairs = list(csv.DictReader(file))
        self.assertEqual(len(pairs), 3)
        self.assertEqual({(row["maps"], row["images"]) for row in pairs}, {("6", "200")})
        with open(self.folder / "arms.csv", newline="") as file:
            arms = list(csv.DictReader(file))
        self.assertIn("front", {row["front_all"] for row in arms})
        svg = xml.etree.ElementTree.parse(self.folder / "fronts.svg").getroot()
        texts = [element.text for element in svg.iter() if element.tag.endswith("text")]
        for words in ("standard-saq-code", "against clean accuracy", "against training time"):
            self.assertIn(words, texts)

    def test_protections_against_training(self):
        self.assertNotIn("stored", self.succeed("compare", "run"))
        self.write("study.toml", STUDY)
        self.succeed("study", "study.toml", "--out", "run", "--set",
                     "protections=['secded:64', 'protect:1']")
        trained = ["standard", "standard-saq", "standard-saq-code"]
        asked = ("compare", "run", "--kind", "flip", "--rate", "0.05")
        self.fail_with(*asked, "--baseline", "standard + secded:32",
                       words=["did you mean 'standard + secded:64'?"])
        found = self.succeed_json(*asked)
        arms = {arm["arm"]: arm for arm in found["arms"]}
        self.assertEqual(list(arms), trained + [f"{arm} + {protection}" for protection in
                                                ("secded:64", "protect:1") for arm in trained])
        self.assertEqual((found["maps"], found["source"]), (6, ""))
        code = arms["standard + secded:64"]
        self.assertEqual((code["protection"], code["seeds"]), ("secded:64", 2))
        self.assertAlmostEqual(code["stored_bits"] / arms["standard"]["stored_bits"], 1.125,
                               places=2)
        self.assertEqual(code["training_seconds"], arms["standard"]["training_seconds"])
        self.assertEqual(4 * arms["standard + protect:1"]["hardened_bits"],
                         arms["standard"]["stored_bits"])
        self.assertEqual(found["fronts"][3]["criteria"], ["faulty", "stored_bits"])
        self.assertEqual(found["fronts"][3]["unknown"], [])

        self.assertEqual([one["arm"] for one in found["payoff"]],
                         [f"{arm} + secded:64" for arm in trained])
        payoff = found["payoff"][0]
        self.assertEqual([rate["rate"] for rate in payoff["rates"]], [0.01, 0.05])
        for rate in payoff["rates"]:
            unprotected = {arm: mean([mean(seed) for seed in
                                      self.accuracies(arm, "flip", rate["rate"])])
                           for arm in trained}
            best = max(unprotected, key=unprotected.get)
            self.assertAlmostEqual(unprotected[rate["best"]], unprotected[best])
            own = mean([mean(seed) for seed in self.accuracies("standard", "flip", rate["rate"],
                                                               "cells | secded:64")])
            self.assertAlmostEqual(rate["points"], own - unprotected[best])
            self.assertEqual(rate["keeps_more"], "protection" if rate["lo"] > 0 else
                             "training" if rate["hi"] < 0 else "open")
        self.assertIn(payoff["words"], self.succeed(*asked))

        only = self.succeed_json(*asked, "--only", "standard")
        self.assertEqual([arm["arm"] for arm in only["arms"]],
                         ["standard", "standard + secded:64", "standard + protect:1"])
        only = self.succeed_json(*asked, "--only", "standard + secded:64,standard-saq")
        self.assertEqual([arm["arm"] for arm in only["arms"]],
                         ["standard + secded:64", "standard-saq", "standard-saq + secded:64",
                          "standard-saq + protect:1"])
        self.assertEqual(only["payoff"][0]["rates"][0]["best"], "standard-saq")
        based = self.succeed_json(*asked, "--baseline", "standard-saq")
        self.assertEqual({pair["second"] for pair in based["pairs"]}, {"standard-saq"})
        self.assertEqual([one["arm"] for one in based["payoff"]], ["standard-saq + secded:64"])
        based = self.succeed_json(*asked, "--baseline", "standard + secded:64")
        self.assertEqual({pair["second"] for pair in based["pairs"]}, {"standard + secded:64"})
        self.succeed(*asked, "--svg", "fronts.svg", "--arms-csv", "arms.csv")
        self.assertIn("against stored memory", (self.folder / "fronts.svg").read_text())
        with open(self.folder / "arms.csv", newline="") as file:
            self.assertEqual([row["protection"] for row in csv.DictReader(file)],
                             3 * [""] + 3 * ["secded:64"] + 3 * ["protect:1"])

    def test_one_network_with_and_without_a_guard(self):
        campaign = ("campaign", "run/arms/standard-seed0/model.safetensors", "--store", "faults.db",
                    "--kinds", "flip", "--rates", "0.002,0.05", "--maps", "6", "--images", "200")
        self.succeed(*campaign)
        self.succeed(*campaign, "--guard", "secded:64", "--headroom", "1.5")
        found = self.succeed_json("compare", "faults.db", "--rate", "0.002")
        plain, guarded = (arm["arm"] for arm in found["arms"])
        self.assertEqual(guarded, plain + " + headroom:1.5+secded:64")
        self.assertEqual([rate["best"] for rate in found["payoff"][0]["rates"]], [plain, plain])
        self.assertIn(f"({guarded}) \u2212 {plain}", self.succeed("compare", "faults.db"))
        self.succeed("report", "faults.db", "--out", "report.html")
        self.assertIn(found["payoff"][0]["words"], (self.folder / "report.html").read_text())

    def test_the_same_maps_count(self):
        store = sqlite3.connect(self.folder / "run/faults.db")
        store.execute("DELETE FROM trial WHERE map = 5 AND subject = 1")
        store.commit()
        store.close()
        self.assertEqual(self.succeed_json("compare", "run")["maps"], 5)
        self.assertIn("only the 5 fault maps that all met count", self.succeed("compare", "run"))
        self.assertEqual(self.succeed_json("compare", "run", "--last-map", "3")["maps"], 3)

    def test_mistakes_cost_one_line(self):
        self.fail_with("compare", words=["RUN"])
        self.fail_with("compare", "nowhere", words=["nowhere"])
        self.fail_with("compare", "run/arms", words=["faults.db"])
        self.fail_with("compare", "run", "--only", "standard", words=["one arm alone, 'standard'"])
        self.fail_with("compare", "run", "--only", "standrad", words=["did you mean 'standard'?"])
        self.fail_with("compare", "run", "--baseline", "standard-sag",
                       words=["standard-sag", "did you mean 'standard-saq'?"])
        self.fail_with("compare", "run", "--kind", "flop", words=["flop", "flip"])
        self.fail_with("compare", "run", "--kind", "stuck0",
                       words=["no cell stuck0", "flip 0.01, 0.05; stuck1 0.01, 0.05"])
        self.fail_with("compare", "run", "--rate", "0.5", words=["no cell at rate 0.5"])
        self.fail_with("compare", "run", "--rate", "7", words=["--rate"])
        self.fail_with("compare", "run", "--rate", "nan", words=["--rate"])
        self.fail_with("compare", "run", "--basis", "dropp", words=["did you mean 'drop'?"])
        self.fail_with("compare", "run", "--svg", "no/fronts.svg", words=["no/fronts.svg"])
        self.write("run/arms/standard-seed0/log.jsonl", "{\n")
        self.fail_with("compare", "run", words=["standard-seed0/log.jsonl:1"])

    def test_arms_that_never_met_the_same_maps(self):
        store = sqlite3.connect(self.folder / "run/faults.db")
        for subject in range(1, 7):
            store.execute("UPDATE trial SET map = map + ? WHERE subject = ?",
                          (100 * ((subject + 1) // 2), subject))
        store.commit()
        store.close()
        self.fail_with("compare", "run", words=["never met the same fault maps"])


if __name__ == "__main__":
    unittest.main()
