"""How many answers change when a layer computes wrongly for a moment."""

import unittest

from support import TrainedModelTest


class Transient(TrainedModelTest):

    def test_larger_errors_change_more(self):
        found = self.succeed_json("transient", "model.safetensors", "--errors", "0.5,3,100")
        cells = found["models"][0]["cells"]
        self.assertEqual([cell["error"] for cell in cells], [0.5, 3, 100])
        changed = [cell["changed"][0] for cell in cells]
        self.assertEqual(changed, sorted(changed))
        text = self.succeed("transient", "model.safetensors", "--shape", "square")
        for words in ("changed answers", "200 test images", "shape square", "10000"):
            self.assertIn(words, text)

    def test_without_clipping(self):
        found = self.succeed_json("transient", "model.safetensors", "--errors", "100")
        open_ended = self.succeed_json("transient", "model.safetensors", "--errors", "100",
                                       "--unclipped")
        self.assertEqual(found["models"][0]["clips"], True)
        self.assertEqual(open_ended["models"][0]["clips"], False)
        changed = [run["models"][0]["cells"][0]["changed"][0] for run in (found, open_ended)]
        self.assertLess(*changed)
        text = self.succeed("transient", "model.safetensors", "--unclipped")
        self.assertIn("activations do not clip", text)

    def test_training_with_injection(self):
        self.write("recipe.toml", (self.trained / "recipe.toml").read_bytes())
        self.succeed("train", "recipe.toml", "--out", "run", "--set", "injection.probability=0.3",
                     "--set", "injection.shape=square")
        model = self.succeed_json("show", "run/model.safetensors")
        self.assertIn("injected", model["name"])

    def test_mistakes(self):
        command = ("transient", "model.safetensors")
        self.fail_with(*command, "--shape", "lin", words=["--shape", "did you mean 'line'"])
        self.fail_with(*command, "--errors", "nan", words=["errors"])
        self.fail_with(*command, "--images", "100", words=["200 images"])
        self.fail_with(*command, "--images", "1000000", words=["1000000"])


if __name__ == "__main__":
    unittest.main()
