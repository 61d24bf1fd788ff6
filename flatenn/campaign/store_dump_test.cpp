#include "flatenn/campaign/store_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

std::string dump(const Store& store) {
  std::string text;
  dump_store(store, [&](std::string_view line) { text += line; });
  return text;
}

/// Two subjects, trials of every kind, in no order.
void fill_example(Store& store) {
  Subject other = example_subject("other \"ü\"");
  other.exposure = "conv1.*,fc3.*";
  other.source = "burst 4";
  other.float_accuracy = other.sparsity = -1;
  const std::int64_t second = store.add_subject(other);
  const std::int64_t first = store.add_subject(example_subject());
  store.append(first,
               {example_trial(FaultKind::stuck1, 0.1, 0), example_trial(FaultKind::flip, 1, 2),
                without_images(example_trial(FaultKind::flip, 1.0 / 3, 10'000))});
  store.append(second, {example_trial(FaultKind::stuck, 1e-7, 5)});
  store.append(first, {example_trial(FaultKind::stuck0, 0, ~std::uint64_t{0}),
                       example_trial(FaultKind::flip, 1.0 / 3, 9)});
}

TEST(StoreDump, GoldenStoreReadsAsItsText) {
  const TemporaryFolder folder;
  const auto golden = folder / "golden.db";
  // A copy: reading makes files beside a store.
  write_file(golden, read_file(FLATENN_SOURCE_DIR "/flatenn/campaign/testdata/store.db"));
  const std::string text =
      read_text_file(FLATENN_SOURCE_DIR "/flatenn/campaign/testdata/store.jsonl");
  const std::filesystem::path today = FLATENN_BINARY_DIR "/golden_store.db";
  std::filesystem::remove(today);
  Store store = Store::open(today);
  fill_example(store);
  EXPECT_EQ(dump(store), text) << "what today's writer makes is " << today;
  EXPECT_EQ(dump(Store::open_read_only(golden)), text);
}

TEST(StoreDump, LinesAreJsonThatHoldsEveryField) {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "a.db");
  fill_example(store);
  std::istringstream lines(dump(store));
  std::string line;
  std::vector<nlohmann::json> all;
  while (std::getline(lines, line)) all.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(all.size(), 8u);
  const auto of_other = std::ranges::find_if(all, [](const nlohmann::json& value) {
    return value.contains("subject") && value["subject"]["source"] == "burst 4";
  });
  ASSERT_NE(of_other, all.end());
  EXPECT_EQ((*of_other)["subject"]["label"], "other \"ü\"");
  EXPECT_EQ((*of_other)["subject"]["seed"], ~std::uint64_t{0});
  const nlohmann::json trial = (*(of_other + 1))["trial"];
  const Trial stored = example_trial(FaultKind::stuck, 1e-7, 5);
  EXPECT_EQ(trial["kind"], "stuck");
  EXPECT_EQ(trial["rate"].get<double>(), 1e-7);
  EXPECT_EQ(trial["map"], 5);
  EXPECT_EQ(trial["correct"], stored.correct);
  EXPECT_EQ(trial["faulty_bits"], stored.faulty_bits);
  EXPECT_EQ(trial["changed_bits"], stored.changed_bits);
  EXPECT_EQ(trial["answers_changed"], stored.answers_changed);
  EXPECT_EQ(trial["per_image"], hash_hex(std::as_bytes(std::span(stored.right))));
}

TEST(StoreDump, OrderOfInsertionDoesNotShowButEveryResultDoes) {
  const TemporaryFolder folder;
  std::vector<Trial> trials;
  for (std::uint64_t map = 0; map < 20; ++map) {
    trials.push_back(example_trial(static_cast<FaultKind>(map % 4), 0.1, map));
  }
  const auto text = [&](std::string_view name) {
    Store store = Store::open(folder / name);
    const bool early = name == "a";
    if (early) store.add_subject(example_subject("other"));
    store.append(store.add_subject(example_subject()), trials);
    if (!early) store.add_subject(example_subject("other"));
    return dump(store);
  };
  const std::string first = text("a");
  std::ranges::reverse(trials);
  EXPECT_EQ(text("b"), first);
  trials[7].changed_bits += 1;
  EXPECT_NE(text("c"), first);
  trials[7].changed_bits -= 1;
  trials[7].right[3] ^= 1;
  EXPECT_NE(text("d"), first);
}

TEST(StoreDump, BytesThatAreNoUtf8AreReplaced) {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "a.db");
  store.add_subject(example_subject("\xff.safetensors"));
  EXPECT_THAT(dump(store), testing::HasSubstr("\"\xef\xbf\xbd.safetensors\""));
}

}  // namespace
}  // namespace flatenn
