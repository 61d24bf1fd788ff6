"""attack: chosen bit flips against flips by chance."""

import json
import signal
import unittest

from support import TrainedModelTest

SMALL = ("--flips", "1,4,16", "--restarts", "2", "--images", "60", "--test-images", "200",
         "--set", "steps=6")


class Attack(TrainedModelTest):

    def attack(self, *more):
        return self.succeed_json("attack", "model.safetensors", *SMALL, *more)["models"][0]

    def test_says_what_each_method_costs(self):
        text = self.succeed("attack", self.model, *SMALL)
        for words in ("of 200 test images", "know 60 validation images", "progressive", "gradient",
                      "random", "worst %", "layers hit", "fc1.weight", "lower bound"):
            self.assertIn(words, text)

    def test_malice_costs_more_than_chance(self):
        model = self.attack()
        methods = ("progressive", "gradient", "random")
        self.assertEqual([(a["budget"], a["method"]) for a in model["attacks"]],
                         [(n, m) for n in (1, 4, 16) for m in methods])
        most = {a["method"]: a for a in model["attacks"] if a["budget"] == 16}
        for method in ("progressive", "gradient"):
            self.assertGreater(most[method]["loss"], 2 * most["random"]["loss"])
            self.assertLess(most[method]["accuracy"], most["random"]["worst_accuracy"] - 10)
        for attack in model["attacks"]:
            self.assertEqual(len(attack["runs"]), 1 if attack["method"] == "progressive" else 2)
            strongest = attack["runs"][attack["strongest"]]
            for run in attack["runs"]:
                self.assertGreaterEqual(strongest["loss"], run["loss"])
                self.assertLessEqual(len(set(run["cells"])), attack["budget"])
                self.assertEqual(sum(run["layers"].values()), run["flips"])

    def test_the_same_answer_on_any_number_of_threads(self):
        alone = self.succeed("attack", self.model, *SMALL, "--threads", "1", "--json")
        two = self.succeed("attack", self.model, *SMALL, "--threads", "2", "--json")
        self.assertEqual(two, alone)
        other = self.succeed("attack", self.model, *SMALL, "--seed", "9", "--json")
        self.assertNotEqual(other, alone)
        self.succeed("attack", self.model, *SMALL, "--out", "a.json")
        self.assertEqual((self.folder / "a.json").read_text(), alone)

    def test_a_campaign_over_the_maps_agrees(self):
        model = self.attack("--maps-out", "maps")
        self.assertEqual(len(list((self.folder / "maps").iterdir())), 9)
        for method in ("progressive", "gradient", "random"):
            self.succeed("campaign", "model.safetensors", "--store", method + ".db", "--kinds",
                         "flip", "--source", f"file:maps/{method}-16.map", "--maps", "1",
                         "--images", "200")
            cell = self.succeed_json("report", method + ".db")["subjects"][0]["cells"][0]
            attack = next(a for a in model["attacks"]
                          if a["method"] == method and a["budget"] == 16)
            self.assertAlmostEqual(cell["mean"], attack["accuracy"])
            self.assertEqual(cell["bits_changed"],
                             attack["runs"][attack["strongest"]]["flips"])

    def test_what_is_not_exposed_is_not_hit(self):
        model = self.attack("--expose", "fc1.*:0")
        self.assertEqual(model["exposure"], "fc1.*:0")
        for attack in model["attacks"]:
            for run in attack["runs"]:
                self.assertLessEqual(set(run["layers"]), {"fc1.weight"})
                self.assertEqual(run["top_bits"], 0)
                self.assertTrue(all(cell % 4 == 0 for cell in run["cells"]))

    def test_a_stop_leaves_nothing(self):
        process = self.start("attack", self.model, "--set", "steps=100000", "--method", "gradient",
                             "--images", "60", "--out", "a.json")
        self.wait_until(process, lambda: process.stderr.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertFalse((self.folder / "a.json").exists())

    def test_mistakes(self):
        def refused(*more, words):
            self.fail_with("attack", "model.safetensors", "--images", "60", *more, words=words)
        refused("--flips", "0", words=["flips", "0 bits"])
        refused("--flips", "1.5", words=["--flips", "1.5"])
        refused("--flips", "5,5", words=["flips", "ascend"])
        refused("--flips", "99999999", words=["flips", "99999999", "exposed"])
        refused("--expose", "fc2.weight:0", "--flips", "321", words=["flips", "only 320 cells"])
        refused("--expose", "nothing.*", words=["nothing.*", "fc1.weight"])
        refused("--expose", "*:7", words=["*:7"])
        refused("--method", "gradiant", words=["did you mean 'gradient'"])
        refused("--method", "random,random", words=["random", "twice"])
        refused("--restarts", "0", words=["restarts"])
        refused("--images", "0", words=["images"])
        refused("--images", "99999999", words=["images", "99999999"])
        refused("--test-images", "99999999", words=["test_images", "99999999"])
        refused("--known-split", "vali", words=["vali"])
        refused("--set", "stepsize=5", words=["did you mean 'step_size'"])
        refused("model.safetensors", "--maps-out", "m", words=["--maps-out"])
        self.fail_with("attack", words=["MODEL"])
        self.fail_with("attack", "nothing.safetensors", words=["nothing.safetensors"])


if __name__ == "__main__":
    unittest.main()
