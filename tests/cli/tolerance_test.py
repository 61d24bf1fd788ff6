"""The highest fault rate, and the lowest voltage, that a network lives with."""

import contextlib
import signal
import sqlite3
import unittest

from support import TrainedModelTest

TABLE = """# a memory
voltage_v,bit_error_rate
1.0,0
0.8,1e-5
0.6,1e-1
"""


class Tolerance(TrainedModelTest):

    def tolerance(self, *more, loss="20"):
        return ("tolerance", "model.safetensors", "--loss", loss, "--kinds", "flip",
                "--images", "100", *more)

    def found(self, *more, **options):
        return self.succeed_json(*self.tolerance(*more, **options))["models"][0]["kinds"][0]

    def test_an_answer_holds_the_estimate_and_says_what_it_cost(self):
        found = self.found()
        self.assertLess(found["lo"], found["hi"])
        self.assertLessEqual(found["lo"], found["rate"])
        self.assertLessEqual(found["rate"], found["hi"])
        self.assertEqual(found["trials"], sum(at["maps"] for at in found["looked_at"]))
        shown = {at["rate"]: at["shown"] for at in found["looked_at"]}
        self.assertEqual(shown[found["lo"]], "tolerated")
        self.assertEqual(shown[found["hi"]], "not tolerated")
        text = self.succeed(*self.tolerance())
        for words in ("at least %", "confidence", "115 rates", "2000 maps", "100 test images"):
            self.assertIn(words, text)

    def test_a_campaign_agrees_with_the_answer(self):
        found = self.found()
        cells = {}
        for end in ("lo", "hi"):
            self.succeed("campaign", "model.safetensors", "--store", end + ".db", "--kinds", "flip",
                         "--rates", repr(found[end]), "--maps", "200", "--images", "100")
            subject = self.succeed_json("report", end + ".db")["subjects"][0]
            cells[end] = subject["clean"] - subject["cells"][0]["mean"]
        self.assertLess(cells["lo"], 20)
        self.assertGreater(cells["hi"], 20)

    def test_more_loss_is_more_rate(self):
        self.assertLess(self.found(loss="10")["hi"], self.found(loss="40")["lo"])

    def test_the_same_answer_on_threads_and_from_any_store(self):
        alone = self.found("--threads", "1")
        self.assertEqual(self.found("--threads", "2"), alone)
        # Trials of a campaign that knew nothing of the search.
        self.succeed("campaign", "model.safetensors", "--store", "store.db", "--kinds",
                     "flip,stuck1", "--rates", repr(alone["lo"]), "--maps", "37", "--images", "100")
        self.assertEqual(self.found("--store", "store.db"), alone)
        before = self.succeed("store", "dump", "store.db")
        self.assertEqual(self.found("--store", "store.db"), alone)
        self.assertEqual(self.succeed("store", "dump", "store.db"), before)

    def test_killed_and_resumed(self):
        whole = self.found(loss="2")
        for _ in range(2):
            before = self.stored_trials()
            # Slow enough to be killed midway; all engines give the same results.
            process = self.start(*self.tolerance("--store", "parts.db", "--engine", "reference",
                                                 loss="2"))
            self.wait_until(process, lambda: self.stored_trials() > before)
            process.kill()
            process.communicate()
        self.assertLess(self.stored_trials(), whole["trials"])
        self.assertEqual(self.found("--store", "parts.db", loss="2"), whole)

    def test_a_stop_says_how_to_go_on(self):
        process = self.start(*self.tolerance("--store", "parts.db", "--engine", "reference",
                                             loss="2"))
        self.wait_until(process, lambda: self.stored_trials() > 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("parts.db", err.splitlines()[-1])

    def stored_trials(self):
        """0 until the store has its tables."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.folder}/parts.db?mode=ro",
                                                    uri=True)) as store:
                return store.execute("SELECT count(*) FROM trial").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def test_several_models_and_kinds_are_rows(self):
        self.write("other.safetensors", self.model.read_bytes())
        text = self.succeed("tolerance", "model.safetensors", "other.safetensors", "--loss", "30",
                            "--kinds", "flip,stuck0", "--images", "50")
        for name in ("model.safetensors", "other.safetensors"):
            rows = [line for line in text.splitlines() if line.startswith(name)]
            self.assertEqual([row.split()[1] for row in rows], ["flip", "stuck0"])

    def test_part_of_the_memory_and_other_sources(self):
        whole = self.found()
        lowest = self.found("--expose", "*:0")
        self.assertGreater(lowest["rate"], whole["rate"])
        self.assertGreater(self.found("--source", "burst:4")["rate"], 0)

    def test_rates_of_ones_own(self):
        result = self.succeed_json(*self.tolerance("--rates", "0.5,1e-5"))
        self.assertEqual((result["format"], result["loss"], result["confidence"]), (1, 20, 95))
        self.assertEqual(result["rates"], 2)
        found = result["models"][0]["kinds"][0]
        self.assertEqual((found["lo"], found["hi"]), (1e-5, 0.5))
        unbounded = self.found("--rates", "1e-5")
        self.assertIsNone(unbounded["hi"])
        self.assertIn(" -  ", self.succeed(*self.tolerance("--rates", "1e-5")))

    def test_voltage_and_energy(self):
        self.write("table.csv", TABLE)
        found = self.found("--voltage", "table.csv")
        for point, rate in ((found["at_rate"], found["rate"]), (found["at_lo"], found["lo"])):
            self.assertGreater(rate, 1e-5)
            self.assertLess(point["voltage"], 0.8)
            self.assertAlmostEqual(point["energy_saved"], 1 - point["voltage"] ** 2)
        self.assertLessEqual(found["at_rate"]["voltage"], found["at_lo"]["voltage"])
        self.write("energy.csv", "voltage_v,bit_error_rate,relative_energy\n1,0,1\n0.9,1e-9,0.5\n")
        point = self.found("--voltage", "energy.csv")["at_lo"]
        self.assertEqual(point, {"voltage": 0.9, "energy_saved": 0.5, "end_of_table": True})
        text = self.succeed(*self.tolerance("--voltage", "energy.csv"))
        for words in ("(end)", "50.0", "energy.csv", "by its energies"):
            self.assertIn(words, text)

    def test_tables_that_are_none(self):
        for content, words in ((b"voltage,bit_error_rate\n", ["t.csv:1", "voltage_v"]),
                               (b"voltage_v\n1\n", ["t.csv:1", "bit_error_rate", "missing"]),
                               (b"voltage_v,bit_error_rate\n1,0\n0.9,nan\n", ["t.csv:3", "nan"]),
                               (b"voltage_v,bit_error_rate\n1,0\ninf,0\n", ["t.csv:3", "inf"]),
                               (b"\x00\xff\n", ["t.csv:1"])):
            with self.subTest(content):
                self.write("t.csv", content)
                self.fail_with(*self.tolerance("--voltage", "t.csv"), words=words)
        self.fail_with(*self.tolerance("--voltage", "gone.csv"), words=["gone.csv"])

    def test_questions_without_an_answer_leave_nothing(self):
        (subject,) = self.succeed_json("eval", "model.safetensors", "--images", "100")["subjects"]
        for loss, more, words in (
                (repr(subject["clean"] - 10), (), ["mlp seed 0", "guessing (10 %)"]),
                ("1", ("--max-maps", "40"), ["mlp seed 0", "115 rates", "40 are allowed"])):
            with self.subTest(words):
                self.fail_with(*self.tolerance("--store", "none.db", *more, loss=loss), words=words)

    def test_mistakes(self):
        self.fail_with(*self.tolerance(loss="0"), words=["loss", "between"])
        self.fail_with(*self.tolerance(loss="99.99"), words=["99.99", "clean accuracy"])
        self.fail_with(*self.tolerance(loss="-1"), words=["loss", "-1", "between"])
        self.fail_with(*self.tolerance(loss="nan"), words=["loss", "nan", "between"])
        self.fail_with(*self.tolerance("--maps", "5"), words=["--max-maps"])
        self.fail_with(*self.tolerance("--max-maps", "0"), words=["max_maps"])
        self.fail_with(*self.tolerance("--confidence", "100"), words=["confidence"])
        self.fail_with(*self.tolerance("--resolution", "1"), words=["resolution"])
        self.fail_with(*self.tolerance("--resolution", "2", "--rates", "0.1"),
                       words=["--resolution", "--rates"])
        self.fail_with(*self.tolerance("--rates", "0,0.1"), words=["rates: 0"])
        self.fail_with(*self.tolerance("--source", "single"), words=["source"])
        self.fail_with(*self.tolerance("--kinds", "flop"), words=["flop", "flip"])
        self.fail_with("tolerance", "gone.safetensors", words=["gone.safetensors"])


if __name__ == "__main__":
    unittest.main()
