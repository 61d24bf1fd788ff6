"""scripts/check-layers must find each kind of offence, and only offences."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[1] / "scripts" / "check-layers"
LAYERS = """
flatenn_layer(base LIBS fmt::fmt)
flatenn_layer(data NEEDS base TORCH tensor)
flatenn_layer(graph NEEDS base)
flatenn_layer(train NEEDS data graph TORCH ALL)
"""


class CheckLayers(unittest.TestCase):

    def check(self, files, layers=LAYERS):
        """Exit code and output of the script on a tree of these files."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"CMakeLists.txt": layers, **files}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            result = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True,
                                    check=False)
        return result.returncode, result.stdout + result.stderr

    def assert_offence(self, files, place, words, layers=LAYERS):
        code, output = self.check(files, layers)
        self.assertEqual(code, 1, output)
        self.assertIn(place, output)
        self.assertIn(words, output)
        self.assertEqual(output.count("\n"), 1, output)

    def test_a_tree_in_order_passes(self):
        code, output = self.check({
            "flatenn/base/a.h": "#include <vector>\n",
            "flatenn/data/tensor.cpp": '#include <torch/torch.h>\n#include "flatenn/base/a.h"\n',
            "flatenn/data/tensor_test.cpp": "#include <ATen/ATen.h>\n",
            "flatenn/train/t.cpp": '#include "flatenn/base/a.h"\n#include <torch/types.h>\n',
            "cli/doctor_torch.cpp": "#include <torch/version.h>\n",
            "cli/main.cpp": '#include "cli/x.h"\n#include "flatenn/train/t.h"\n',
        })
        self.assertEqual(code, 0, output)
        self.assertIn("4 layers, 6 files", output)

    def test_include_upwards(self):
        self.assert_offence({"flatenn/base/a.cpp": '\n#include "flatenn/data/b.h"\n'},
                            "flatenn/base/a.cpp:2:", "base must not include layer data")

    def test_include_of_a_neighbour_not_needed(self):
        self.assert_offence({"flatenn/graph/g.h": '#include "flatenn/data/b.h"\n'},
                            "flatenn/graph/g.h:1:", "graph must not include layer data")

    def test_torch_where_it_must_not_be_known(self):
        self.assert_offence({"flatenn/graph/g.cpp": "#include <c10/util/Half.h>\n"},
                            "flatenn/graph/g.cpp:1:", "must not see torch")

    def test_torch_through_a_header(self):
        self.assert_offence({
            "flatenn/data/tensor.h": "#include <torch/types.h>\n",
            "flatenn/data/batch.cpp": '#include "flatenn/data/tensor.h"\n',
        }, "flatenn/data/batch.cpp:1:", "which brings in torch/types.h")

    def test_torch_in_the_program(self):
        self.assert_offence({"cli/main.cpp": "#include <torch/torch.h>\n"}, "cli/main.cpp:1:",
                            "must not see torch")

    def test_unknown_layer(self):
        self.assert_offence({"flatenn/base/a.h": '#include "flatenn/bsae/b.h"\n'},
                            "flatenn/base/a.h:1:", "no such layer: bsae")

    def test_file_outside_the_layers(self):
        self.assert_offence({"flatenn/extra/a.h": "\n"}, "flatenn/extra/a.h:1:",
                            "not in the folder of a layer")

    def test_relative_include(self):
        self.assert_offence({"flatenn/base/a.cpp": '#include "a.h"\n'}, "flatenn/base/a.cpp:1:",
                            '"flatenn/<layer>/<concept>.h"')

    def test_need_before_its_layer(self):
        code, output = self.check({}, "flatenn_layer(a NEEDS b)\nflatenn_layer(b)\n")
        self.assertEqual(code, 2)
        self.assertIn("layer a needs b", output)

    def test_no_layers_at_all(self):
        code, output = self.check({}, "project(x)\n")
        self.assertEqual(code, 2)
        self.assertIn("no flatenn_layer() call", output)


if __name__ == "__main__":
    unittest.main()
