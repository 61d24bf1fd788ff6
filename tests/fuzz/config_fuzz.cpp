// TOML settings bound to a struct with every kind of key.
#include "flatenn/base/error.h"
#include "flatenn/config/bind.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {
namespace {

enum class Shape { round, square };

struct Part {
  double weight = 1;
  std::string name = "part";
};

struct Everything {
  bool flag = false;
  int count = 3;
  std::uint64_t seed = 1;
  double rate = 0.5;
  std::string text = "text";
  std::vector<int> sizes = {1, 2};
  std::vector<double> rates = {0.1, 0.2};
  std::vector<std::string> names = {"a", "b"};
  Shape shape = Shape::round;
  Part part;
  std::vector<Part> parts;
};

void bind(Binder& b, Part& part) {
  b.value("weight", part.weight, "weight", at_least(0));
  b.value("name", part.name, "name");
}

void bind(Binder& b, Everything& s) {
  b.value("flag", s.flag, "flag");
  b.value("count", s.count, "count", between(1, 100));
  b.value("seed", s.seed, "seed");
  b.value("rate", s.rate, "rate", between(0, 1));
  b.value("text", s.text, "text");
  b.value("sizes", s.sizes, "sizes", at_least(1));
  b.value("rates", s.rates, "rates", between(0, 1));
  b.value("names", s.names, "names");
  b.choice("shape", s.shape, {"round", "square"}, "shape");
  b.section("part", [&] { bind(b, s.part); });
  b.list(
      "parts",
      [&](std::size_t n) {
        if (n != Binder::kKeep) s.parts.resize(n);
        return s.parts.size();
      },
      [&](std::size_t i) { bind(b, s.parts[i]); });
}

std::string write(Everything& settings) {
  return write_config([&](Binder& b) { bind(b, settings); });
}

Everything read(std::string_view text) {
  Everything settings;
  read_config_text(text, "input.toml", {}, [&](Binder& b) { bind(b, settings); });
  return settings;
}

}  // namespace

std::vector<Bytes> seed_corpus() {
  return {to_bytes("flag = true\ncount = 7\nseed = 12\nrate = 1e-3\ntext = \"x\"\n"),
          to_bytes("sizes = [1, 2, 3]\nrates = \"1e-3..5e-2:8\"\nnames = [\"a\"]\n"),
          to_bytes("rates = [0.5, 1.0]\nshape = \"square\"\n[part]\nweight = 2\nname = 'y'\n"),
          to_bytes("[[parts]]\nweight = 1.5\n[[parts]]\nname = \"z\"\n"),
          to_bytes("rates = 0.25\nseed = 18446744073709551615\nunknown.key = 1979-05-27\n")};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  using namespace flatenn::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    // What was read can be written, and reads back as the same.
    Everything settings = read(text);
    const std::string written = write(settings);
    Everything again = read(written);
    FLATENN_ASSERT(write(again) == written);
  } catch (const Error&) {
  }
  return 0;
}
