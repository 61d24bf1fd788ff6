#!/usr/bin/python3
"""How much faster are two processes of one thread than one? The same campaign in turns by one process
and by parts, several times, and the medians: a slow minute then hits both.

    bench/processes.py build/release/bin/flatenn MODEL [--processes 2] [--maps 1000] [--repeats 7]

Wall time says what a user waits, but on a shared machine mostly what the neighbours do. Processor time
says what the processes cost each other: a cache, a memory, a clock that they share."""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time


def run(options, maps, parts):
    """Wall and processor seconds of the campaign in that many processes at once."""
    with tempfile.TemporaryDirectory() as folder:
        command = [options.program, "campaign", options.model, "--kinds", "flip", "--rates", "0.01",
                   "--maps", str(maps), "--threads", "1", "--store",
                   str(pathlib.Path(folder) / "faults.db")]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        shards = [["--shard", f"{i}/{parts}"] for i in range(parts)] if parts > 1 else [[]]
        processes = [subprocess.Popen(command + shard, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE) for shard in shards]
        for process in processes:
            error = process.communicate()[1]
            if process.returncode != 0:
                raise SystemExit(error.decode())
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    n = options.processes
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    walls, costs = [], []
    for repeat in range(options.repeats):
        # What every process pays before its first trial is no part of the question.
        start_wall, start_cost = run(options, 1, 1)
        one_wall, one_cost = run(options, options.maps, 1)
        many_wall, many_cost = run(options, options.maps, n)
        walls.append((one_wall - start_wall) / (many_wall - start_wall))
        costs.append(n * (one_cost - start_cost) / (many_cost - n * start_cost))
        print(f"{repeat + 1}: start {start_wall:.2f} s; wall {one_wall:.2f} s, in {n} processes "
              f"{many_wall:.2f} s, {walls[-1]:.2f} times; by processor time {costs[-1]:.2f} times",
              flush=True)
    print(f"median: {statistics.median(walls):.2f} times by wall time, "
          f"{statistics.median(costs):.2f} by processor time; "
          f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
