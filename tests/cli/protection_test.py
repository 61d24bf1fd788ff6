"""Guards, placements and headroom: what they say, cost and refuse."""

import unittest

from support import TrainedModelTest


class Protection(TrainedModelTest):

    def campaign(self, *more, store="store.db"):
        return ("campaign", "model.safetensors", "--store", store, "--kinds", "flip",
                "--rates", "0.005", "--maps", "6", "--images", "200", *more)

    def subjects(self, store="store.db"):
        return self.succeed_json("report", store)["subjects"]

    def test_protected_and_unprotected_memories_share_a_store(self):
        self.succeed(*self.campaign())
        text = self.succeed(*self.campaign("--guard", "secded:64"))
        self.assertIn("protection secded:64: ", text)
        self.succeed(*self.campaign("--guard", "bound:1+tmr:1", "--headroom", "1.75",
                                    "--placement", "interleave:8"))
        plain, secded, bounded = self.subjects()
        self.assertNotIn("protection", plain)
        self.assertEqual(secded["source"], "cells | secded:64")
        self.assertEqual(secded["protection"]["data_bits"], plain["memory_bits"])
        self.assertEqual(secded["protection"]["check_bits"],
                         secded["memory_bits"] - plain["memory_bits"])
        self.assertAlmostEqual(secded["protection"]["overhead_percent"], 12.5, delta=0.2)
        self.assertEqual(bounded["protection"]["text"],
                         "headroom:1.75+interleave:8+tmr:1+bound:1")
        self.assertLessEqual(secded["cells"][0]["answers_changed"],
                             plain["cells"][0]["answers_changed"])
        self.succeed("store", "check", "store.db")
        # The same command again has nothing to do, in whatever order the guards are named.
        before = (self.folder / "store.db").read_bytes()
        self.succeed(*self.campaign("--guard", "tmr:1+bound:1", "--headroom", "1.75",
                                    "--placement", "interleave:8"))
        self.assertEqual((self.folder / "store.db").read_bytes(), before)

    def test_replay_says_what_the_guard_met(self):
        arguments = ("replay", "model.safetensors", "--kind", "flip", "--rate", "0.01", "--map",
                     "3", "--images", "50", "--guard", "secded:64")
        result = self.succeed_json(*arguments, "--save-map", "chip.map")
        guard = result["guard"]
        self.assertGreater(guard["corrected"], 0)
        self.assertGreater(guard["multiple"], 0)
        self.assertEqual(result["tensors"][-1]["name"], "check cells")
        self.assertIn("words corrected", self.succeed(*arguments))
        # The map of the protected memory, from its file.
        again = self.succeed_json(*arguments, "--source", "file:chip.map")
        self.assertEqual(again["guard"], guard)
        self.fail_with("replay", "model.safetensors", "--images", "50", "--source",
                       "file:chip.map", words=["memory of"])
        self.fail_with(*arguments[:-2], "--guard", "parity:64", "--source", "file:chip.map",
                       words=["source", "guard", "parity:64"])

    def test_chips_with_skipped_columns(self):
        chip = ("--kinds", "stuck", "--source", "chip:2", "--set", "rows=64", "--rates", "0.02")
        self.succeed(*self.campaign(*chip))
        text = self.succeed(*self.campaign(*chip, "--placement", "skip:16"))
        self.assertIn("faulty cells: chip 2 128x64 | skip:16:128x64", text)
        self.assertIn("in skipped columns, throughput 87.", text)
        plain, skipping = self.subjects()
        self.assertEqual(plain["source"], "chip 2 128x64")
        self.assertEqual(skipping["protection"]["skipped_bits"],
                         skipping["memory_bits"] - plain["memory_bits"])
        # Weak lines hold nine tenths of the faulty cells, and a test finds some of them.
        self.assertLess(skipping["cells"][0]["bits_faulty"],
                        0.9 * plain["cells"][0]["bits_faulty"])
        self.succeed("store", "check", "store.db")

    def test_buffers_are_protected_too(self):
        buffers = ("--memory", "activations", "--rates", "0.02")
        self.succeed(*self.campaign(*buffers))
        self.succeed(*self.campaign(*buffers, "--guard", "secded:16:zero", "--placement",
                                    "interleave:2"))
        self.succeed(*self.campaign(*buffers, "--guard", "tmr:1", "--kinds", "stuck"))
        self.succeed("store", "check", "store.db")
        plain, secded, voted = self.subjects()
        self.assertGreater(secded["protection"]["check_bits"], 0)
        self.assertLessEqual(secded["cells"][0]["answers_changed"],
                             plain["cells"][0]["answers_changed"])

    def test_rates_are_read_in_volts(self):
        self.succeed(*self.campaign("--guard", "secded:64"))
        self.write("table.csv", "voltage_v,bit_error_rate\n1,1e-6\n0.8,0.1\n")
        text = self.succeed("report", "store.db", "--voltage", "table.csv")
        self.assertIn("read %", text)
        cell = self.succeed_json("report", "store.db", "--voltage", "table.csv")["subjects"][0][
            "cells"][0]
        voltage = cell["supply"]["voltage"]
        self.assertTrue(0.8 < voltage < 0.9)
        self.assertAlmostEqual(cell["supply"]["read_energy_percent"], 112.5 * voltage ** 2,
                               delta=0.2)
        self.write("rising.csv", "voltage_v,bit_error_rate\n1,1e-3\n0.8,0\n")
        self.fail_with("report", "store.db", "--voltage", "rising.csv", words=["rising.csv:3"])
        self.fail_with("report", "store.db", "--voltage", "table.csv", "--out", "page.html",
                       words=["--voltage", "--out"])

    def test_settings_files_say_it_too(self):
        self.write("faults.toml", 'guard = "parity:16"\nheadroom = 2\nplacement = "protect:1"\n')
        self.succeed(*self.campaign("--config", "faults.toml"))
        self.assertEqual(self.subjects()[0]["source"],
                         "cells | headroom:2+protect:1+parity:16")

    def test_mistakes(self):
        refused = {("--guard", "secdec:64"): ["guard", "secdec", "secded:N"],
                   ("--guard", "secded:63"): ["guard", "secded:63", "4-bit", "memory"],
                   ("--guard", "secded:65"): ["guard", "64"],
                   ("--guard", "tmr:5"): ["guard", "tmr:5", "4"],
                   ("--guard", "parity:8+secded:8"): ["parity", "secded"],
                   ("--guard", "parity:8", "--source", "single"): ["source", "guard"],
                   ("--guard", "bound:1", "--memory", "activations"): ["memory", "guard"],
                   ("--guard", "parity:8", "--memory", "activations", "--kinds", "stuck"):
                       ["kinds", "guard", "parity:8"],
                   ("--placement", "skip:128"): ["placement", "skip", "127"],
                   ("--placement", "skip:8:64x256"): ["placement", "geometry", "64"],
                   ("--source", "chip:4"): ["chip:4", "chip:1"],
                   ("--placement", "protect:5"): ["placement", "protect:5", "protected cells"],
                   ("--placement", "protect:4"): ["placement", "memory"],
                   ("--placement", "protect:1", "--expose", "*:top"): ["placement", "exposed"],
                   ("--placement", "rotate:1+protect:1"): ["rotate", "protect"],
                   ("--headroom", "0.5"): ["headroom"],
                   ("--headroom", "nan"): ["headroom"]}
        for arguments, words in refused.items():
            with self.subTest(arguments):
                self.fail_with(*self.campaign(*arguments), words=words)


if __name__ == "__main__":
    unittest.main()
