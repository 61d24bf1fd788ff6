"""show and eval: model files that are whole, and those that are not."""

import json
import unittest

from support import TrainedModelTest, join_safetensors, split_safetensors


class Show(TrainedModelTest):

    def test_names_every_layer_and_the_memory(self):
        text = self.succeed("show", self.model)
        for word in ("linear", "activation", "output", "twos_complement", "memory", "sparsity"):
            self.assertIn(word, text)

    def test_json(self):
        shown = self.succeed_json("show", self.model)
        self.assertEqual(shown["dataset"], "synthetic")
        self.assertEqual(shown["memory_bits"], 4 * shown["weights"])
        self.assertEqual(shown["weights"], 144 * 32 + 32 * 10)


class Silence(TrainedModelTest):

    def setUp(self):
        super().setUp()
        header, tensors = split_safetensors(self.model.read_bytes())
        name = next(name for name in header if name.endswith(".weight"))
        begin, end = header[name]["data_offsets"]
        each = (end - begin) // header[name]["shape"][0]
        tensors = tensors[:begin] + bytes(2 * each) + tensors[begin + 2 * each:]
        self.dead = self.write("dead.safetensors", join_safetensors(header, tensors))

    def test_same_answers_until_zeros_change(self):
        done = self.succeed_json("silence", self.dead, "--out", "silent.safetensors")
        self.assertEqual(done["silenced"], 2)
        self.assertEqual(done["layers"][0]["channels"], [0, 1])
        before, after = (
            {cell["kind"]: cell["mean"] for cell in subject["cells"]} | {"clean": subject["clean"]}
            for subject in self.succeed_json("eval", self.dead, "silent.safetensors", "--kinds",
                                             "stuck0,stuck1", "--rates", "0.1", "--maps",
                                             "5")["subjects"])
        self.assertEqual(before["clean"], after["clean"])
        self.assertEqual(before["stuck0"], after["stuck0"])
        self.assertNotEqual(before["stuck1"], after["stuck1"])

    def test_show_says_so(self):
        self.assertIn("2 channels hold only codes 0", self.succeed("show", self.dead))
        self.succeed("silence", self.dead, "--out", "silent.safetensors")
        self.assertNotIn("hold only codes 0", self.succeed("show", "silent.safetensors"))

    def test_nothing_to_do(self):
        self.assertIn("0 channels", self.succeed("silence", self.model, "--out", "same.safetensors"))
        self.assertEqual((self.folder / "same.safetensors").read_bytes(), self.model.read_bytes())

    def test_mistakes(self):
        self.fail_with("silence", self.model, words=["--out"])
        self.fail_with("silence", "nowhere", "--out", "a", words=["nowhere"])
        self.fail_with("silence", self.model, "--out", "nowhere/a", words=["nowhere/a"])


class Eval(TrainedModelTest):

    def test_agrees_with_the_header(self):
        header = self.succeed_json("show", self.model)
        subject = self.succeed_json("eval", self.model)["subjects"][0]
        self.assertAlmostEqual(subject["clean"], header["clean_accuracy"], places=4)
        self.assertAlmostEqual(subject["sparsity"], header["sparsity"], places=4)
        self.assertAlmostEqual(subject["float_accuracy"], header["float_accuracy"], places=4)
        self.assertGreater(subject["clean"], 50)

    def test_engines_agree_under_faults(self):
        arguments = ("eval", self.model, "--kind", "flip,stuck0,stuck1,stuck", "--rate", "0.02",
                     "--maps", "3", "--images", "200")
        results = [self.succeed_json(*arguments, "--engine", engine)["subjects"][0]["cells"]
                   for engine in ("reference", "torch", "int8")]
        self.assertEqual(len(results[0]), 4)
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])

    def test_unknown_engine(self):
        self.fail_with("eval", self.model, "--engine", "int9", words=["int9", "int8"])


class DamagedModel(TrainedModelTest):
    """Each kind of damage, through each command that reads a model."""

    def damaged(self, content, *words):
        path = self.write("damaged.safetensors", content)
        for command in (("show", path), ("eval", path),
                        ("campaign", path, "--store", "store.db")):
            with self.subTest(command[0]):
                self.fail_with(*command, words=["damaged.safetensors", *words])

    def edited(self, edit):
        header, tensors = split_safetensors(self.model.read_bytes())
        edit(header)
        return join_safetensors(header, tensors)

    def test_missing(self):
        self.fail_with("show", "nowhere.safetensors", words=["nowhere.safetensors"])

    def test_folder(self):
        (self.folder / "folder").mkdir()
        self.fail_with("show", "folder", words=["folder"])

    def test_empty(self):
        self.damaged(b"")

    def test_truncated_anywhere(self):
        whole = self.model.read_bytes()
        for length in (7, 8, 100, len(whole) // 2, len(whole) - 1):
            with self.subTest(length):
                path = self.write("damaged.safetensors", whole[:length])
                self.fail_with("show", path, words=["damaged.safetensors"])

    def test_bytes_too_many(self):
        self.damaged(self.model.read_bytes() + b"\0")

    def test_header_length_that_lies(self):
        self.damaged(b"\xff" * 7 + b"\x7f" + self.model.read_bytes()[8:])

    def test_header_that_is_no_json(self):
        whole = self.model.read_bytes()
        self.damaged(whole[:8] + b"(" + whole[9:])

    def test_newer_format(self):
        def edit(header):
            story = json.loads(header["__metadata__"]["flatenn"])
            story["version"] = 99
            header["__metadata__"]["flatenn"] = json.dumps(story)
        self.damaged(self.edited(edit), "version 99", "upgrade")

    def test_impossible_width(self):
        def edit(header):
            text = header["__metadata__"]["flatenn"]
            self.assertIn('"bits":4', text)
            header["__metadata__"]["flatenn"] = text.replace('"bits":4', '"bits":9')
        self.damaged(self.edited(edit), "bits", "2 to 8")

    def test_tensor_beyond_the_file(self):
        def edit(header):
            name = next(name for name in header if name.endswith(".weight"))
            header[name]["data_offsets"] = [0, 1 << 40]
        self.damaged(self.edited(edit))

    def test_tensor_of_another_shape(self):
        def edit(header):
            name = next(name for name in header if name.endswith(".weight"))
            header[name]["shape"] = header[name]["shape"][::-1]
        self.damaged(self.edited(edit))

    def test_tensor_of_another_type(self):
        def edit(header):
            name = next(name for name in header if name.endswith(".weight"))
            header[name]["dtype"] = "F32"
        self.damaged(self.edited(edit))

    def test_missing_tensor(self):
        def edit(header):
            del header[next(name for name in header if name.endswith(".weight"))]
        self.damaged(self.edited(edit))

    def test_code_beyond_its_width(self):
        header, tensors = split_safetensors(self.model.read_bytes())
        name = next(name for name in header if name.endswith(".weight"))
        first = header[name]["data_offsets"][0]
        self.damaged(join_safetensors(header, tensors[:first] + b"\x7f" + tensors[first + 1:]))

    def test_other_safetensors(self):
        self.damaged(join_safetensors(
            {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\0\0"))


if __name__ == "__main__":
    unittest.main()
