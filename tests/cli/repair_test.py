"""What recalibrating the normalisation gives back."""

import unittest

from support import TrainedModelTest


class Repair(TrainedModelTest):

    COMMAND = ("repair", "model.safetensors", "--kinds", "flip", "--rates", "0.02,0.1", "--maps", "3",
               "--calibration", "60")

    def test_faulty_accuracies_are_those_of_eval(self):
        found = self.succeed_json(*self.COMMAND)["models"][0]
        self.assertEqual(found["calibration_images"], 60)
        cells = self.succeed_json("eval", "model.safetensors", "--kinds", "flip", "--rates",
                                  "0.02,0.1", "--maps", "3")["subjects"][0]["cells"]
        for repaired, plain in zip(found["cells"], cells, strict=True):
            self.assertAlmostEqual(sum(repaired["faulty"]) / 3, plain["mean"], places=6)
            self.assertAlmostEqual(repaired["gain"],
                                   (sum(repaired["repaired"]) - sum(repaired["faulty"])) / 3)

    def test_the_table_says_what_it_stands_on(self):
        text = self.succeed(*self.COMMAND)
        for words in ("recalibrated", "gain", "200 test images", "60 validation images"):
            self.assertIn(words, text)

    def test_mistakes(self):
        self.fail_with(*self.COMMAND[:-1], "1", words=["at least 2 images"])
        self.fail_with(*self.COMMAND[:-1], "1000000", words=["1000000 calibration images"])
        self.fail_with(*self.COMMAND, "--calibration-split", "test", words=["--calibration-split"])
        self.fail_with(*self.COMMAND, "--memory", "biases", words=["memory", "biases"])


if __name__ == "__main__":
    unittest.main()
