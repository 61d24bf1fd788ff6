"""campaign and report: from models to a store, from a store to tables."""

import csv
import json
import signal
import sqlite3
import subprocess
import unittest
import xml.etree.ElementTree

from support import TrainedModelTest


class Campaign(TrainedModelTest):

    def campaign(self, *more, store="store.db"):
        return ("campaign", "model.safetensors", "--store", store, "--kinds", "flip,stuck0",
                "--rates", "0.01,0.05", "--maps", "4", *more)

    def cells(self, store="store.db"):
        return self.succeed_json("report", store)["subjects"][0]["cells"]

    def last_line(self, *arguments):
        """The result of a stream of JSON lines; the others are its progress."""
        lines = [json.loads(line) for line in self.succeed(*arguments).splitlines()]
        for line in lines[:-1]:
            self.assertEqual(line["event"], "progress")
        self.assertGreater(len(lines), 1)
        self.assertEqual(lines[-2]["done"], lines[-2]["total"])
        return lines[-1]

    def test_counts_every_cell_and_bit(self):
        subject = self.last_line(*self.campaign("--json"))["subjects"][0]
        cells = subject["cells"]
        self.assertEqual([(cell["kind"], cell["rate"]) for cell in cells],
                         [("flip", 0.01), ("flip", 0.05), ("stuck0", 0.01), ("stuck0", 0.05)])
        for cell in cells:
            self.assertEqual(cell["maps"], 4)
            self.assertLessEqual(cell["lo"], cell["mean"])
            self.assertGreaterEqual(cell["hi"], cell["mean"])
        flips, stuck = cells[1], cells[3]
        self.assertEqual(flips["bits_changed"], flips["bits_faulty"])
        self.assertEqual(stuck["bits_faulty"], flips["bits_faulty"])
        self.assertLess(stuck["bits_changed"], stuck["bits_faulty"])

    def test_rate_zero_changes_nothing(self):
        subject = self.last_line(*self.campaign("--rates", "0", "--json"))["subjects"][0]
        for cell in subject["cells"]:
            self.assertEqual((cell["mean"], cell["bits_changed"]), (subject["clean"], 0))

    def test_threads_and_order_do_not_matter(self):
        self.succeed(*self.campaign("--threads", "1"))
        self.succeed(*self.campaign("--threads", "2", store="two.db"))
        self.succeed(*self.campaign("--maps", "2", store="steps.db"))
        self.succeed(*self.campaign(store="steps.db"))
        self.assertEqual(self.cells(), self.cells("two.db"))
        self.assertEqual(self.cells(), self.cells("steps.db"))

    def test_rates_as_a_grid(self):
        self.succeed(*self.campaign("--rates", "1e-3..1e-1:3"))
        self.assertEqual({round(cell["rate"], 9) for cell in self.cells()}, {0.001, 0.01, 0.1})

    def test_exposed_tensors_alone_change(self):
        text = self.succeed_json("show", self.model)
        names = [node["node"] for node in text["nodes"] if node["kind"] == "linear"]
        self.succeed(*self.campaign("--expose", f"{names[-1]}.*", "--rates", "1",
                                    "--kinds", "flip", "--maps", "1"))
        self.assertEqual(self.cells()[0]["bits_changed"], 4 * 32 * 10)

    def test_interrupted_campaign_goes_on(self):
        whole = self.campaign("--maps", "2000", "--threads", "1")
        # Slow enough to be stopped midway; all engines give the same results.
        process = self.start(*whole, "--engine", "reference")
        self.wait_until(process, lambda: self.stored_trials() >= 5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("store.db", err.splitlines()[-1])
        before = self.stored_trials()
        self.succeed(*whole)
        self.succeed("campaign", "model.safetensors", "--store", "whole.db", *whole[4:])
        self.assertLess(before, self.stored_trials())
        self.assertEqual(self.cells(), self.cells("whole.db"))

    def stored_trials(self):
        """The number of trials, read as any other program would; 0 before there is a store."""
        result = subprocess.run(["sqlite3", "-readonly", self.folder / "store.db",
                                 "select count(*) from trial"], capture_output=True, text=True,
                                check=False)
        return int(result.stdout) if result.returncode == 0 and result.stdout else 0

    def test_rate_outside_its_range(self):
        for rate in ("1.5", "-0.1", "nan"):
            with self.subTest(rate):
                self.fail_with(*self.campaign(f"--rates={rate}"), words=["rate", rate])

    def test_rates_that_are_no_grid(self):
        for rates in ("0.1..0.2", "0.2..0.1:x", "lots"):
            with self.subTest(rates):
                self.fail_with(*self.campaign("--rates", rates), words=["--rates"])

    def test_unknown_kind(self):
        self.fail_with(*self.campaign("--kinds", "flop"), words=["flop", "flip"])

    def test_no_maps(self):
        self.fail_with(*self.campaign("--maps", "0"), words=["maps"])

    def test_exposed_tensor_that_is_not_there(self):
        self.fail_with(*self.campaign("--expose", "conv9.*"), words=["conv9.*"])

    def test_unwritable_folder(self):
        self.write("file", "in the way")
        self.fail_with(*self.campaign(store="file/store.db"), words=["file/store.db"])

    def test_store_that_is_none(self):
        self.write("store.db", "not a store, but a letter to a friend" * 100)
        self.fail_with(*self.campaign(), words=["store.db"])

    def test_store_of_a_newer_version(self):
        self.succeed(*self.campaign())
        with sqlite3.connect(self.folder / "store.db") as connection:
            connection.execute("pragma user_version = 99")
        connection.close()
        self.fail_with(*self.campaign(), words=["store.db", "version 99"])

    def test_full_disk(self):
        self.succeed(*self.campaign())
        size = (self.folder / "store.db").stat().st_size
        error = self.fail_with(*self.campaign("--maps", "2000"), file_limit=size,
                               leaves=["store.db", "store.db-wal", "store.db-shm",
                                       "store.db-journal"],
                               words=["store.db"])
        self.assertNotIn("internal", error)
        self.assertEqual(self.cells()[0]["maps"] >= 4, True)
        self.succeed(*self.campaign("--maps", "5"))


class Report(TrainedModelTest):

    def setUp(self):
        super().setUp()
        self.succeed("campaign", "model.safetensors", "--store", "store.db", "--rates",
                     "0.01,0.05", "--maps", "3", "--images", "150")

    def test_table_says_what_stands_behind_each_figure(self):
        text = self.succeed("report", "store.db")
        for word in ("float", "clean", "maps", "95 %", "images", "sparsity"):
            self.assertIn(word, text)

    def test_files_agree_with_the_table(self):
        self.succeed("report", "store.db", "--csv", "out.csv", "--json-file", "out.json", "--svg",
                     "out.svg")
        with open(self.folder / "out.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        cells = json.loads((self.folder / "out.json").read_text())["subjects"][0]["cells"]
        self.assertEqual(len(rows), 6)
        self.assertEqual([(row["kind"], float(row["rate"])) for row in rows],
                         [(cell["kind"], cell["rate"]) for cell in cells])
        for row, cell in zip(rows, cells):
            self.assertAlmostEqual(float(row["mean"]), cell["mean"], places=3)
        picture = xml.etree.ElementTree.parse(self.folder / "out.svg").getroot()
        self.assertTrue(picture.tag.endswith("svg"))

    def test_missing_store(self):
        self.fail_with("report", "nowhere.db", words=["nowhere.db"])

    def test_store_that_is_none(self):
        self.write("other.db", b"\0" * 5000)
        self.fail_with("report", "other.db", words=["other.db"])

    def test_unknown_network(self):
        self.fail_with("report", "store.db", "--only", "nobody", words=["nobody"])

    def test_unwritable_file(self):
        self.fail_with("report", "store.db", "--csv", "nowhere/out.csv", words=["nowhere/out.csv"])

    def test_full_disk(self):
        # SQLite begins its log before it sees that there is no room; the empty files are harmless.
        self.fail_with("report", "store.db", "--svg", "out.svg", file_limit=100, words=["out.svg"],
                       leaves=["store.db-wal", "store.db-shm"])


if __name__ == "__main__":
    unittest.main()
