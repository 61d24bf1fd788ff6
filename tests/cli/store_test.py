"""store: merge, dump and check."""

import json
import os
import sqlite3
import subprocess
import unittest

from support import PROGRAM, TrainedModelTest, snapshot

KINDS = ("--kinds", "flip,stuck0", "--rates", "0.01,0.05", "--images", "150")


class Store(TrainedModelTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One campaign in two parts that overlap, one with per-image results, and as a whole.
        per_image = ("--set", "per_image=true")
        for store, first, maps, *more in (("a.db", 0, 3), ("b.db", 2, 3, *per_image),
                                          ("whole.db", 0, 2), ("whole.db", 2, 3, *per_image)):
            subprocess.run([PROGRAM, "campaign", cls.trained / "run" / "model.safetensors", *KINDS,
                            "--store", cls.trained / store, "--first-map", str(first),
                            "--maps", str(maps), *more], check=True, capture_output=True)

    def setUp(self):
        super().setUp()
        for store in ("a.db", "b.db", "whole.db"):
            self.write(store, (self.trained / store).read_bytes())

    def execute(self, store, statement):
        connection = sqlite3.connect(self.folder / store)
        connection.execute("pragma ignore_check_constraints = 1")
        connection.execute(statement)
        connection.commit()
        connection.close()

    def rows(self, store, statement):
        connection = sqlite3.connect(self.folder / store)
        result = connection.execute(statement).fetchall()
        connection.close()
        return result

    def merge_fails(self, *arguments, words):
        self.fail_with("store", "merge", *arguments, words=words)

    def test_a_merged_campaign_is_the_whole_one(self):
        whole = self.succeed("store", "dump", "whole.db")
        report = self.succeed_json("store", "merge", "all.db", "a.db", "b.db")
        self.assertEqual(report, {"subjects": 1, "trials": 20, "added": 20})
        self.assertEqual(self.succeed("store", "dump", "all.db"), whole)
        self.assertIn("0 of them new", self.succeed("store", "merge", "all.db", "b.db", "a.db"))
        self.assertIn("8 of them new", self.succeed("store", "merge", "b.db", "a.db"))
        self.assertEqual(self.succeed("store", "dump", "b.db"), whole)
        self.assertEqual(self.succeed_json("report", "all.db"),
                         self.succeed_json("report", "whole.db"))

    def test_dump_says_what_the_tables_hold(self):
        lines = [json.loads(line) for line in self.succeed("store", "dump", "b.db").splitlines()]
        self.assertEqual([list(line) for line in lines], [["subject"]] + [["trial"]] * 12)
        self.assertEqual(lines[0]["subject"]["source"], "")
        rows = self.rows("b.db", "select kind, rate, map, correct, answers_changed from trial "
                                 "order by kind, rate, map")
        self.assertEqual([tuple(line["trial"][key] for key in
                                ("kind", "rate", "map", "correct", "answers_changed"))
                          for line in lines[1:]], rows)

    def test_images_add_up_to_the_counts(self):
        for correct, images in self.rows("b.db", "select correct, per_image from trial"):
            self.assertEqual(len(images), 19)
            self.assertEqual(sum(byte.bit_count() for byte in images), correct)
        self.assertEqual(self.rows("a.db", "select count(per_image) from trial"), [(0,)])

    def test_no_faults_change_no_answers(self):
        self.succeed("campaign", "model.safetensors", *KINDS, "--store", "zero.db", "--maps", "1",
                     "--rates", "0")
        self.assertEqual(self.rows("zero.db", "select distinct answers_changed from trial"), [(0,)])
        cells = self.succeed_json("report", "a.db")["subjects"][0]["cells"]
        self.assertGreater(cells[1]["answers_changed"], 0)

    def test_check_of_a_sound_store(self):
        self.assertIn("sound; 1 subjects, 20 trials, 12 of them", self.succeed("store", "check",
                                                                              "whole.db"))
        report = self.succeed_json("store", "check", "whole.db")
        self.assertEqual((report["problem_count"], report["problems"]), (0, []))

    def test_check_of_a_store_that_cannot_be(self):
        self.execute("b.db", "update trial set correct = 151 where map = 3 and kind = 'flip'")
        before = snapshot(self.folder)
        result = self.run_program("store", "check", "b.db")
        self.assertEqual(result.returncode, 2)
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertIn("map 3: 151 of 150 images right", line)
        self.assertEqual(result.stderr, "flatenn: error: b.db: the store is damaged (2 problems); "
                                        "restore a copy or use another file\n")
        result = self.run_program("store", "check", "b.db", "--json")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(json.loads(result.stdout)["problem_count"], 2)
        self.assertEqual(snapshot(self.folder), before)

    def test_check_of_damaged_pages(self):
        content = (self.folder / "a.db").read_bytes()
        self.write("torn.db", content[:6000])
        self.write("spoilt.db", content[:-4096] + b"Z" * 4096)
        before = snapshot(self.folder)
        for store in ("torn.db", "spoilt.db"):
            with self.subTest(store):
                result = self.run_program("store", "check", store)
                self.assertEqual(result.returncode, 2, result.stdout)
                errors = result.stderr.splitlines()
                self.assertEqual(len(errors), 1)
                self.assertIn(store, errors[0])
                self.assertIn("damaged", errors[0])
        self.assertEqual(snapshot(self.folder), before)

    def test_another_version(self):
        self.execute("b.db", "pragma user_version = 1")
        for arguments in (("dump", "b.db"), ("check", "b.db"), ("merge", "all.db", "a.db", "b.db"),
                          ("merge", "b.db", "a.db")):
            with self.subTest(arguments):
                self.fail_with("store", *arguments, words=["b.db", "version 1", "version 2"])

    def test_a_damaged_input(self):
        content = (self.folder / "b.db").read_bytes()
        self.write("b.db", content[:6000])
        self.merge_fails("all.db", "a.db", "b.db", words=["b.db", "damaged"])
        self.merge_fails("a.db", "b.db", words=["b.db", "damaged"])
        self.fail_with("store", "dump", "b.db", words=["b.db", "damaged"])

    def test_a_contradiction(self):
        self.execute("b.db", "update trial set changed_bits = changed_bits - 1 "
                             "where map = 2 and kind = 'flip' and rate = 0.05")
        words = ["a.db and b.db", "flip at rate 0.05, map 2"]
        self.merge_fails("all.db", "a.db", "b.db", words=words)
        self.merge_fails("new/folder/all.db", "a.db", "b.db", words=words)
        self.merge_fails("a.db", "b.db", words=words)
        self.merge_fails("b.db", "whole.db", words=["b.db and whole.db"])
        self.assertFalse((self.folder / "all.db").exists())
        self.assertFalse((self.folder / "new").exists())

    def test_another_clean_count(self):
        self.execute("b.db", "update subject set clean_correct = clean_correct - 1")
        self.merge_fails("all.db", "a.db", "b.db", words=["a.db and b.db", "without faults"])
        self.assertFalse((self.folder / "all.db").exists())

    def test_a_missing_store(self):
        self.merge_fails("all.db", "a.db", "nowhere.db", words=["nowhere.db", "no such store"])
        self.fail_with("store", "dump", "nowhere.db", words=["nowhere.db"])
        self.fail_with("store", "check", "nowhere.db", words=["nowhere.db"])
        self.fail_with("store", "merge", "all.db", words=["store merge", "IN"])
        self.assertFalse((self.folder / "all.db").exists())

    def test_a_file_that_is_no_store(self):
        self.write("letter.db", "not a store, but a letter to a friend" * 100)
        self.merge_fails("all.db", "letter.db", words=["letter.db"])
        self.merge_fails("letter.db", "a.db", words=["letter.db"])
        self.fail_with("store", "dump", "letter.db", words=["letter.db"])
        self.fail_with("store", "check", "letter.db", words=["letter.db"])

    def test_the_output_is_an_input(self):
        os.symlink(self.folder / "a.db", self.folder / "link.db")
        self.merge_fails("a.db", "b.db", "a.db", words=["a.db", "output and an input"])
        self.merge_fails("a.db", "link.db", words=["a.db", "output and an input"])

    def test_an_output_that_cannot_be_written(self):
        self.write("file", "in the way")
        self.merge_fails("file/all.db", "a.db", words=["file/all.db"])

    def test_full_disk(self):
        error = self.fail_with("store", "merge", "all.db", "a.db", file_limit=5000,
                               words=["all.db"], leaves=[])
        self.assertNotIn("internal", error)
        self.assertFalse((self.folder / "all.db").exists())
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.fail_with("store", "dump", "a.db", stdout=full,
                           words=["standard output", "disk full"])


if __name__ == "__main__":
    unittest.main()
