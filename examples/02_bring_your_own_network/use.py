# Evaluates the network that train.py wrote (my_network.safetensors, checked in) and measures it
# under faults. FLATENN_PROGRAM names the program; default: flatenn on PATH.
#
# Expected output:
#   float {} %, quantized {} %, zero codes {} %
#   kind flip, rate 0.01: {} % over 10 maps, {} of {} faulty bits changed
#   kind stuck0, rate 0.01: {} % over 10 maps, {} of {} faulty bits changed
import json
import os
import subprocess

PROGRAM = os.environ.get("FLATENN_PROGRAM", "flatenn")
MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "my_network.safetensors")


def flatenn(*arguments):
    result = subprocess.run([PROGRAM, *arguments, "--json"], capture_output=True, text=True,
                            check=True)
    # A campaign streams lines of progress; its last line is the result.
    text = result.stdout.splitlines()[-1] if arguments[0] == "campaign" else result.stdout
    return json.loads(text)["subjects"][0]


subject = flatenn("eval", MODEL)
print(f"float {subject['float_accuracy']:.2f} %, quantized {subject['clean']:.2f} %, "
      f"zero codes {subject['sparsity']:.2f} %")
# The figures depend on nothing but the model: 80 % would mean that the format was misread.
assert subject["clean"] > 80 and abs(subject["clean"] - subject["float_accuracy"]) < 8

faulty = flatenn("campaign", MODEL, "--kinds", "flip,stuck0", "--rates", "0.01", "--maps", "10",
                 "--images", "2000", "--store", "faults.db")
for cell in faulty["cells"]:
    print(f"kind {cell['kind']}, rate {cell['rate']}: {cell['mean']:.2f} % over {cell['maps']} maps, "
          f"{cell['bits_changed']:.1f} of {cell['bits_faulty']:.1f} faulty bits changed")
    assert cell["mean"] < faulty["clean"]
