// Stores: the bytes lie in a file, as they would after a crash or from a stranger.
#include <filesystem>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/store.h"
#include "flatenn/campaign/store_check.h"
#include "flatenn/campaign/store_dump.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {
namespace {

// One folder a process, removed at its end.
const std::filesystem::path& folder() {
  static const TemporaryFolder folder;
  return folder.path();
}

// Writes without flushing to disk: thousands of inputs must not wait for it.
void write_quickly(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  FLATENN_ASSERT(file != nullptr);
  FLATENN_ASSERT(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

Subject example_subject() {
  Subject subject;
  subject.label = "model";
  subject.model_hash = "0123456789abcdef0123456789abcdef";
  subject.data_hash = "fedcba9876543210fedcba9876543210";
  subject.dataset = "synthetic";
  subject.split = "test";
  subject.images = 200;
  subject.memory_bits = subject.exposed_bits = 1000;
  subject.clean_correct = 150;
  return subject;
}

}  // namespace

std::vector<Bytes> seed_corpus() {
  std::vector<Bytes> corpus;
  for (const std::uint64_t maps : {0, 3}) {
    const auto path = folder() / fmt::format("seed{}.db", maps);
    {
      Store store = Store::open(path);
      std::vector<Trial> trials;
      for (std::uint64_t map = 0; map < maps; ++map) {
        Trial trial{FaultKind::stuck, 0.01, map, 8, 12, 6, 142};
        if (map > 0) trial.right.assign(25, 0);
        if (map > 0) trial.right[map] = 0xff;
        trials.push_back(trial);
      }
      store.append(store.add_subject(example_subject()), trials);
    }
    const auto bytes = read_file(path);
    const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    corpus.emplace_back(first, first + bytes.size());
  }
  return corpus;
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  const auto path = fuzz::folder() / "input.db";
  fuzz::write_quickly(path, {data, size});
  try {
    check_store(path);
    const Store store = Store::open_read_only(path);
    for (const Subject& subject : store.subjects()) store.trials(subject.key());
    dump_store(store, [](std::string_view) {});
  } catch (const Error&) {
  }
  return 0;
}
