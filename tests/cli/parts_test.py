"""Campaigns in parts: shards by hand, under Open MPI and torchrun's variables, killed and merged."""

import os
import random
import signal
import subprocess
import unittest

from support import PROGRAM, TrainedModelTest


class Parts(TrainedModelTest):

    def campaign(self, *more, store="faults.db"):
        return ("campaign", "model.safetensors", "--store", store, "--kinds", "flip,stuck0",
                "--rates", "0.01,0.05", "--maps", "7", "--threads", "1", *more)

    def dump(self, store):
        return self.succeed("store", "dump", store)

    def whole(self, *more):
        self.succeed(*self.campaign(*more, store="whole.db"))
        return self.dump("whole.db")

    def merged(self, *parts):
        self.succeed("store", "merge", "merged.db", *parts)
        return self.dump("merged.db")

    def part_files(self):
        return sorted(path.name for path in self.folder.glob("faults.part-*.db"))

    def test_parts_by_hand_make_the_whole(self):
        for i in range(3):
            self.succeed(*self.campaign("--shard", f"{i}/3"))
        parts = [f"faults.part-{i}-of-3.db" for i in range(3)]
        self.assertEqual(self.part_files(), parts)
        whole = self.whole()
        for part in parts:
            self.assertNotEqual(self.dump(part), whole)
        self.assertEqual(self.merged(*reversed(parts)), whole)

    def test_sequential_and_single_bit_campaigns_have_parts_too(self):
        for name, options in {"until": ("--until", "8", "--max-maps", "60"),
                              "single": ("--source", "single", "--expose", "*:top", "--images", "50"),
                              "sample": ("--source", "single", "--sample", "300")}.items():
            with self.subTest(name):
                for i in range(2):
                    self.succeed(*self.campaign("--shard", f"{i}/2", *options, store=f"{name}.db"))
                self.succeed("store", "merge", f"{name}.db",
                             f"{name}.part-0-of-2.db", f"{name}.part-1-of-2.db")
                self.succeed(*self.campaign(*options, store=f"{name}-whole.db"))
                self.assertEqual(self.dump(f"{name}.db"), self.dump(f"{name}-whole.db"))

    def test_a_part_that_is_none(self):
        for shard in ("3/3", "x", "1", "-1/2"):
            with self.subTest(shard):
                self.fail_with(*self.campaign(f"--shard={shard}"), words=[shard, "0/4"])

    def test_open_mpi_launches_parts(self):
        subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "3", PROGRAM,
                        *self.campaign()], cwd=self.folder, check=True, capture_output=True)
        self.assertEqual(len(self.part_files()), 3)
        self.assertEqual(self.merged(*self.part_files()), self.whole())

    def test_torchrun_launches_parts(self):
        processes = []
        for rank in range(2):
            environment = dict(os.environ, RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
                               LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
            processes.append(self.start(*self.campaign(), env=environment))
        for process in processes:
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.merged(*self.part_files()), self.whole())

    def test_variables_that_make_no_sense(self):
        environment = dict(os.environ, RANK="two", WORLD_SIZE="2")
        self.fail_with(*self.campaign(), env=environment, words=["RANK", "two"])

    def test_a_dead_part_stops_nobody_and_is_started_again(self):
        self.succeed(*self.campaign("--shard", "0/2"))
        process = self.start(*self.campaign("--shard", "1/2", "--engine", "reference"))
        self.wait_until(process, lambda: self.rows("faults.part-1-of-2.db") > 0)
        process.kill()
        process.communicate()
        self.succeed(*self.campaign("--shard", "1/2"))
        self.assertEqual(self.merged(*self.part_files()), self.whole())

    def rows(self, store):
        result = subprocess.run(["sqlite3", "-readonly", self.folder / store,
                                 "select count(*) from trial"], capture_output=True, text=True,
                                check=False)
        return int(result.stdout) if result.returncode == 0 and result.stdout else 0

    def test_killed_at_any_moment(self):
        """kill -9 at 20 random moments after rows exist, each time resumed to the same dump."""
        long = ("--maps", "400")
        whole = self.whole(*long)
        moments = random.Random(1)
        killed = 0
        for attempt in range(20):
            for path in self.folder.glob("faults.db*"):
                path.unlink()
            process = self.start(*self.campaign(*long))
            while process.poll() is None and self.rows("faults.db") == 0:
                pass
            try:
                process.wait(timeout=moments.random() * 0.4)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.communicate()
            before = self.rows("faults.db")
            self.assertGreater(before, 0)
            self.succeed(*self.campaign(*long))
            self.assertEqual(self.dump("faults.db"), whole, f"attempt {attempt}, {before} rows")
            self.succeed("store", "check", "faults.db")
        self.assertGreater(killed, 0)


if __name__ == "__main__":
    unittest.main()
