"""train: from a recipe to a model file; stopped, resumed, and refused."""

import json
import signal
import unittest

from support import RECIPE, CommandLineTest, write_cifar10

# Long enough to be stopped in the middle, a checkpoint behind it.
LONG = RECIPE.replace("epochs = 2", "epochs = 40")


class Train(CommandLineTest):

    def setUp(self):
        super().setUp()
        self.recipe = self.write("recipe.toml", RECIPE)

    def train(self, *more, out="run"):
        return ("train", "recipe.toml", "--out", out, *more)

    def test_leaves_a_model_and_a_log(self):
        self.succeed(*self.train())
        run = self.folder / "run"
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        self.assertGreater(lines[-1]["validation_accuracy"], lines[0]["train_accuracy"])
        self.assertIn("epochs = 2", (run / "config.toml").read_text())
        self.assertEqual(self.succeed_json("show", "run/model.safetensors")["dataset"], "synthetic")

    def test_same_settings_give_the_same_bytes(self):
        self.succeed(*self.train())
        self.succeed(*self.train(out="again"))
        self.assertEqual((self.folder / "run/model.safetensors").read_bytes(),
                         (self.folder / "again/model.safetensors").read_bytes())

    def test_seed_gives_other_bytes(self):
        self.succeed(*self.train())
        self.succeed(*self.train("--set", "seed=1", out="other"))
        self.assertNotEqual((self.folder / "run/model.safetensors").read_bytes(),
                            (self.folder / "other/model.safetensors").read_bytes())

    def test_resolved_settings_train_the_same_network(self):
        self.succeed(*self.train("--set", "optimizer.learning_rate=0.02"))
        self.write("recipe.toml", (self.folder / "run/config.toml").read_text())
        self.succeed(*self.train(out="again"))
        self.assertEqual((self.folder / "run/model.safetensors").read_bytes(),
                         (self.folder / "again/model.safetensors").read_bytes())

    def test_folder_of_other_settings(self):
        self.succeed(*self.train())
        self.fail_with(*self.train("--set", "epochs=3"), words=["run", "settings"])

    def test_missing_recipe(self):
        self.fail_with("train", "nowhere.toml", "--out", "run", words=["nowhere.toml"])

    def test_missing_dataset(self):
        self.fail_with(*self.train("--set", "dataset=kmnist"), words=["kmnist"])

    def test_unwritable_folder(self):
        self.write("file", "in the way")
        self.fail_with(*self.train(out="file/run"), words=["file"])

    def test_full_disk(self):
        error = self.fail_with(*self.train(), file_limit=4096, leaves=["run"], words=["run"])
        self.assertNotIn("internal", error)
        self.assertFalse((self.folder / "run/model.safetensors").exists())
        self.succeed(*self.train())

    def test_too_little_memory(self):
        limit = 4 << 30
        if self.run_program("train", "--help", memory_limit=limit).returncode != 0:
            self.skipTest("sanitizers map terabytes")
        self.fail_with(*self.train("--set", "network.hidden=[30000,30000]"), memory_limit=limit,
                       leaves=["run"], words=["out of memory"])

    def test_pictures_lie_anywhere(self):
        write_cifar10(self)
        cifar = ("--set", "dataset=cifar10", "--set", "batch=16", "--data")
        self.succeed(*self.train(*cifar, "data"))
        log = (self.folder / "run/log.jsonl").read_text()
        (self.folder / "data").rename(self.folder / "moved")
        self.succeed(*self.train(*cifar, "moved"))
        self.assertEqual((self.folder / "run/log.jsonl").read_text(), log)  # not trained again
        write_cifar10(self, folder="other", images=44)
        self.fail_with(*self.train(*cifar, "other"), leaves=["run"], words=["run", "pictures"])

    def test_loss_that_is_no_number(self):
        error = self.fail_with(*self.train("--set", "optimizer.learning_rate=1e30"),
                               leaves=["run"], words=["epoch", "step"])
        self.assertRegex(error, "learning.rate")
        self.assertFalse((self.folder / "run/model.safetensors").exists())


class Settings(CommandLineTest):
    """Mistakes in a recipe name the file, the line, and what was meant."""

    def refuse(self, change, *words):
        self.assertIn(change[0], RECIPE)
        text = RECIPE.replace(*change)
        self.write("recipe.toml", text)
        self.fail_with("train", "recipe.toml", "--out", "run", words=["recipe.toml:", *words])

    def test_unknown_key(self):
        line = RECIPE.splitlines().index("epochs = 2") + 1
        self.refuse(("epochs", "epoch"), f"recipe.toml:{line}", "epoch", "did you mean 'epochs'?")

    def test_unknown_key_in_a_table(self):
        self.refuse(("warmup_steps", "warmup"), "warmup", "optimizer")

    def test_unknown_table(self):
        self.refuse(("[optimizer]", "[optimiser]"), "optimiser", "did you mean 'optimizer'?")

    def test_wrong_type(self):
        line = RECIPE.splitlines().index("epochs = 2") + 1
        self.refuse(("epochs = 2", 'epochs = "two"'), f"recipe.toml:{line}", "epochs", "integer")

    def test_number_out_of_limits(self):
        self.refuse(("epochs = 2", "epochs = 0"), "epochs", "0")

    def test_no_toml(self):
        line = RECIPE.splitlines().index("epochs = 2") + 1
        self.refuse(("epochs = 2", "epochs = = 2"), f"recipe.toml:{line}")

    def test_unknown_network(self):
        self.write("recipe.toml", RECIPE.replace('"mlp"', '"mpl"'))
        self.fail_with("train", "recipe.toml", "--out", "run", words=["mpl", "mlp"])

    def test_impossible_widths(self):
        self.write("recipe.toml", RECIPE)
        for key, value in (("weight_bits", 1), ("weight_bits", 9), ("activation_bits", 0)):
            with self.subTest(f"{key}={value}"):
                self.fail_with("train", "recipe.toml", "--out", "run", "--set",
                               f"network.{key}={value}", words=[key, str(value)])

    def test_quantizer_and_encoding_that_do_not_fit(self):
        self.write("recipe.toml", RECIPE)
        self.fail_with("train", "recipe.toml", "--out", "run", "--set", "network.quantizer=saq",
                       "--set", "network.encoding=sign_magnitude", words=["saq", "sign_magnitude"])

    def test_unknown_override(self):
        self.write("recipe.toml", RECIPE)
        self.fail_with("train", "recipe.toml", "--out", "run", "--set", "optimizer.momentun=0.5",
                       words=["momentun", "did you mean 'momentum'?"])

    def test_override_without_a_value(self):
        self.write("recipe.toml", RECIPE)
        self.fail_with("train", "recipe.toml", "--out", "run", "--set", "epochs", words=["epochs"])


class Stopped(CommandLineTest):

    def whole_model(self):
        self.write("recipe.toml", LONG)
        self.succeed("train", "recipe.toml", "--out", "whole")
        return (self.folder / "whole/model.safetensors").read_bytes()

    def stop(self, number):
        """Starts a training and ends it by a signal once two epochs are over."""
        process = self.start("train", "recipe.toml", "--out", "run")
        log = self.folder / "run/log.jsonl"
        self.wait_until(process, lambda: log.exists() and log.read_text().count("\n") >= 2)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        self.assertFalse((self.folder / "run/model.safetensors").exists())
        return process.returncode, err

    def resume(self):
        self.succeed("train", "recipe.toml", "--out", "run")
        log = (self.folder / "run/log.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["epoch"] for line in log], list(range(1, 41)))
        return (self.folder / "run/model.safetensors").read_bytes()

    def test_interrupted_training_resumes_to_the_same_bytes(self):
        whole = self.whole_model()
        code, err = self.stop(signal.SIGINT)
        self.assertEqual(code, 130, err)
        self.assertIn("flatenn: stopped:", err.splitlines()[-1])
        self.assertEqual(self.resume(), whole)

    def test_killed_training_resumes_to_the_same_bytes(self):
        whole = self.whole_model()
        self.assertEqual(self.stop(signal.SIGKILL)[0], -signal.SIGKILL)
        self.assertEqual(self.resume(), whole)

    def test_damaged_checkpoint(self):
        self.write("recipe.toml", LONG)
        self.stop(signal.SIGKILL)
        checkpoint = self.folder / "run/checkpoint.safetensors"
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
        # The killed training's lock went with it; the file that carried it is nobody's.
        (self.folder / "run" / "training-lock").unlink(missing_ok=True)
        self.fail_with("train", "recipe.toml", "--out", "run", words=["checkpoint.safetensors"])


if __name__ == "__main__":
    unittest.main()
