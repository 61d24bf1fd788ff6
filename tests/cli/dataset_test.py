"""Files of images that are missing, damaged or lie about themselves."""

import gzip
import struct
import unittest

from support import TrainedModelTest, write_cifar10

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
         "t10k-labels-idx1-ubyte")


def idx_images(count, side=12, claimed=None):
    head = struct.pack(">IIII", 0x803, claimed if claimed is not None else count, side, side)
    return head + bytes(i % 251 for i in range(count * side * side))


def idx_labels(count, first=0):
    return struct.pack(">II", 0x801, count) + bytes((first + i) % 10 for i in range(count))


class Idx(TrainedModelTest):
    """The synthetic network reads 12x12 images of any origin."""

    def setUp(self):
        super().setUp()
        for name in NAMES:
            content = idx_images(40) if "images" in name else idx_labels(40)
            self.write(f"data/{name}", content)

    def evaluate(self):
        return ("eval", self.model, "--dataset", "mnist", "--data", "data")

    def replace(self, content, name="t10k-images-idx3-ubyte"):
        (self.folder / "data" / name).unlink()
        self.write(f"data/{name}", content)

    def test_plain(self):
        self.assertIn("40", self.succeed(*self.evaluate()))

    def test_gzip_gives_the_same(self):
        plain = self.succeed(*self.evaluate())
        for name in NAMES:
            path = self.folder / "data" / name
            self.write(f"data/{name}.gz", gzip.compress(path.read_bytes()))
            path.unlink()
        self.assertEqual(self.succeed(*self.evaluate()), plain)

    def test_both_spellings_of_the_folder(self):
        self.assertEqual(self.succeed("eval", self.model, "--dataset", "mnist", "--data-folder",
                                      "data"), self.succeed(*self.evaluate()))

    def test_missing_package_or_files(self):
        self.fail_with("eval", self.model, "--dataset", "mnist", words=["mnist", "--data"])

    def test_missing_folder(self):
        self.fail_with("eval", self.model, "--dataset", "mnist", "--data", "nowhere",
                       words=["nowhere"])

    def test_unknown_name(self):
        self.fail_with("eval", self.model, "--dataset", "mnits", words=["mnits", "'mnist'"])

    def test_unknown_split(self):
        self.fail_with(*self.evaluate(), "--split", "tset", words=["tset", "test"])

    def test_truncated(self):
        self.replace(idx_images(40)[:-1])
        self.fail_with(*self.evaluate(), words=["t10k-images-idx3-ubyte"])

    def test_count_that_lies(self):
        for claimed in (41, 39, 0xFFFFFFFF):
            with self.subTest(claimed):
                self.replace(idx_images(40, claimed=claimed))
                self.fail_with(*self.evaluate(), words=["t10k-images-idx3-ubyte"])

    def test_wrong_magic(self):
        self.replace(b"\x89PNG" + idx_images(40)[4:])
        self.fail_with(*self.evaluate(), words=["t10k-images-idx3-ubyte"])

    def test_labels_of_other_number(self):
        self.replace(idx_labels(39), "t10k-labels-idx1-ubyte")
        self.fail_with(*self.evaluate(), words=["39", "40"])

    def test_label_beyond_the_classes(self):
        self.replace(idx_labels(39) [:-1] + b"\x0a\x0b", "t10k-labels-idx1-ubyte")
        self.fail_with(*self.evaluate(), words=["t10k-labels-idx1-ubyte"])

    def test_images_of_a_shape_that_the_network_does_not_read(self):
        self.replace(idx_images(40, side=13))
        self.fail_with(*self.evaluate(), words=["13", "12"])

    def test_damaged_gzip(self):
        whole = gzip.compress(idx_images(40))
        (self.folder / "data" / "t10k-images-idx3-ubyte").unlink()
        for name, content in {"truncated": whole[:-9], "not gzip": b"x" * 64,
                              "flipped": whole[:40] + bytes([whole[40] ^ 255]) + whole[41:]}.items():
            with self.subTest(name):
                self.write("data/t10k-images-idx3-ubyte.gz", content)
                self.fail_with(*self.evaluate(), words=["t10k-images-idx3-ubyte.gz"])


class Cifar(TrainedModelTest):

    def test_missing(self):
        self.fail_with("eval", self.model, "--dataset", "cifar10", words=["cifar10"])

    def test_truncated(self):
        write_cifar10(self)
        self.write("data/test_batch.bin", (b"\x03" + bytes(3072)) * 4 + b"\x03")
        self.refuse("test_batch.bin")

    def test_batches_mixed_up(self):
        write_cifar10(self)
        self.write("data/test_batch.bin", (self.folder / "data/data_batch_2.bin").read_bytes())
        self.refuse("data_batch_2.bin", "test_batch.bin", "same images")

    def refuse(self, *words):
        self.fail_with("eval", self.model, "--dataset", "cifar10", "--data", "data",
                       words=words)


if __name__ == "__main__":
    unittest.main()
