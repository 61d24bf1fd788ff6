"""What the command line tests share: running the program, and what a user's mistake must look like."""

import json
import os
import pathlib
import random
import resource
import shutil
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["FLATENN_PROGRAM"]

# A network that trains in a second on images made on the spot.
RECIPE = """
dataset = "synthetic"
epochs = 2
batch = 64

[network]
name = "mlp"
hidden = [32]

[optimizer]
warmup_steps = 10
"""


def snapshot(folder):
    """Every path below the folder with its bytes: equal snapshots mean that nothing was touched."""
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None
            for path in sorted(pathlib.Path(folder).rglob("*"))}


class CommandLineTest(unittest.TestCase):
    """Every test runs in a folder of its own, self.folder."""

    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def start(self, *arguments, file_limit=None, memory_limit=None, **options):
        """Starts the program; file_limit is the size in bytes at which the disk is full,
        memory_limit what the program may map."""
        def limit():
            for kind, bytes_ in ((resource.RLIMIT_FSIZE, file_limit),
                                 (resource.RLIMIT_AS, memory_limit)):
                if bytes_ is not None:
                    resource.setrlimit(kind, (bytes_, bytes_))
        # Python ignores SIGXFSZ; with restore_signals off the program inherits that and sees the
        # error of write() instead, as it would on a full disk.
        return subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=self.folder, text=True,
                                stdout=options.pop("stdout", subprocess.PIPE),
                                stderr=subprocess.PIPE, restore_signals=file_limit is None,
                                preexec_fn=limit if file_limit or memory_limit else None, **options)

    def run_program(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def wait_until(self, process, condition):
        """Returns once the condition holds; fails when the program ends before, or after a minute."""
        for _ in range(6000):
            if condition():
                return
            try:
                process.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
            self.fail(f"the program ended early: {process.communicate()[1]}")
        process.kill()
        process.communicate()
        self.fail("waited a minute in vain")

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def succeed_json(self, *arguments):
        return json.loads(self.succeed(*arguments, "--json"))

    def fail_with(self, *arguments, words, leaves=None, **options):
        """A mistake: exit code 2, one line that holds every word, and no file touched but those
        below the folders `leaves`."""
        before = snapshot(self.folder)
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, 2, result.stderr)
        errors = [line for line in result.stderr.splitlines() if line.startswith("flatenn: error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        if leaves is None:
            self.assertEqual(result.stderr, errors[0] + "\n")
        self.assertFalse(result.stdout)
        for word in words:
            self.assertIn(word, errors[0])
        after = {path: content for path, content in snapshot(self.folder).items()
                 if leaves is None or path.parts[0] not in leaves}
        self.assertEqual({path: before.get(path) for path in before
                          if leaves is None or path.parts[0] not in leaves}, after)
        return errors[0]


def write_cifar10(test, folder="data", images=40):
    """A small CIFAR-10 of random pictures, in its binary layout, below the folder of a test."""
    draw = random.Random(1)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        records = [bytes([i % 10]) + draw.randbytes(3072) for i in range(images)]
        test.write(f"{folder}/{name}.bin", b"".join(records))


class TrainedModelTest(CommandLineTest):
    """Has a small trained network, self.model; trained once a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trained = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.trained)
        (cls.trained / "recipe.toml").write_text(RECIPE)
        subprocess.run([PROGRAM, "train", cls.trained / "recipe.toml", "--out", cls.trained / "run"],
                       check=True, capture_output=True)

    def setUp(self):
        super().setUp()
        self.model = self.write("model.safetensors",
                                (self.trained / "run" / "model.safetensors").read_bytes())


def split_safetensors(content):
    """The JSON header and the tensor bytes of a model file."""
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:8 + length]), content[8 + length:]


def join_safetensors(header, tensors):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + tensors
