#include "flatenn/campaign/store_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <tuple>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/sqlite.h"
#include "flatenn/campaign/store_dump.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string dump(const fs::path& path) {
  std::string text;
  dump_store(Store::open_read_only(path), [&](std::string_view line) { text += line; });
  return text;
}

class StoreMergeTest : public testing::Test {
 protected:
  fs::path make(std::string_view name, const Subject& subject,
                const std::vector<Trial>& trials) const {
    Store store = Store::open(folder_ / name);
    store.append(store.add_subject(subject), trials);
    return folder_ / name;
  }
  std::string merge_error(const std::vector<fs::path>& inputs, const fs::path& output) const {
    try {
      merge_stores(inputs, output);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  /// Names and bytes of all files below the folder.
  std::map<fs::path, std::vector<std::byte>> snapshot() const {
    std::map<fs::path, std::vector<std::byte>> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      files[entry.path()] =
          entry.is_regular_file() ? read_file(entry.path()) : std::vector<std::byte>{};
    }
    return files;
  }

  TemporaryFolder folder_;
  const Trial trial_ = example_trial(FaultKind::flip, 0.01, 3);
};

/// Trials dealt to `parts` stores, some to several, with and without per-image results, under
/// differing labels; and what all of it says.
struct Deal {
  std::vector<std::map<std::string, std::pair<Subject, std::vector<Trial>>>> parts;
  std::map<std::string, Subject> subjects;
  std::map<std::tuple<std::string, FaultKind, double, std::uint64_t>, Trial> trials;

  Deal(RandomStream& stream, std::size_t count) : parts(count) {
    for (const char* name : {"a", "b"}) {
      for (std::uint64_t i = 0; i < 30; ++i) {
        const Trial trial =
            example_trial(static_cast<FaultKind>(i % 4), i % 3 == 0 ? 0.1 : 0.01, i);
        for (std::uint64_t copies = 1 + stream.below(3); copies > 0; --copies) {
          give(stream, name, stream.below(2) == 0 ? trial : without_images(trial));
        }
      }
    }
  }

  void give(RandomStream& stream, const std::string& name, const Trial& trial) {
    const std::size_t part = stream.below(parts.size());
    Subject told = example_subject(name);
    told.label += std::to_string(part);
    told.sparsity = static_cast<double>(part);
    const std::string key = told.key();
    auto& [subject, list] = parts[part][key];
    subject = told;
    list.push_back(trial);
    auto& known = subjects.try_emplace(key, told).first->second;
    known.label = std::min(known.label, told.label);
    known.sparsity = std::max(known.sparsity, told.sparsity);
    auto& result =
        trials.try_emplace({key, trial.kind, trial.rate, trial.map}, trial).first->second;
    if (result.right.empty()) result.right = trial.right;
  }
};

TEST_F(StoreMergeTest, AnyOrderAndGroupingGivesTheUnion) {
  for (std::uint64_t round = 0; round < 5; ++round) {
    RandomStream stream(1, Purpose::test, round);
    const Deal deal(stream, 1 + stream.below(5));
    std::vector<fs::path> heap;
    for (const auto& part : deal.parts) {
      heap.push_back(folder_ / fmt::format("{}-{}.db", round, heap.size()));
      Store store = Store::open(heap.back());
      for (const auto& [key, content] : part) {
        store.append(store.add_subject(content.first), content.second);
      }
    }
    const fs::path flat = folder_ / fmt::format("{}-flat.db", round);
    merge_stores(heap, flat);
    // Two or three at random become one, until one is left.
    for (int step = 0; heap.size() > 1 || step == 0; ++step) {
      std::vector<fs::path> chosen;
      for (std::uint64_t n = 2 + stream.below(2); n > 0 && !heap.empty(); --n) {
        const auto it = heap.begin() + static_cast<std::ptrdiff_t>(stream.below(heap.size()));
        chosen.push_back(*it);
        heap.erase(it);
      }
      heap.push_back(folder_ / fmt::format("{}-step{}.db", round, step));
      merge_stores(chosen, heap.back());
    }
    EXPECT_EQ(dump(heap.front()), dump(flat)) << round;

    const Store store = Store::open_read_only(flat);
    std::size_t count = 0;
    for (const Subject& subject : store.subjects()) {
      EXPECT_EQ(subject, deal.subjects.at(subject.key()));
      for (const Trial& trial : store.trials(subject.key(), Answers::load)) {
        EXPECT_EQ(trial, deal.trials.at({subject.key(), trial.kind, trial.rate, trial.map}));
        ++count;
      }
    }
    EXPECT_EQ(store.subjects().size(), deal.subjects.size());
    EXPECT_EQ(count, deal.trials.size());
  }
}

TEST_F(StoreMergeTest, CountsWhatIsNewAndASecondTimeAddsNothing) {
  const fs::path a = make("a.db", example_subject(), {trial_});
  const fs::path b =
      make("b.db", example_subject(), {trial_, example_trial(FaultKind::flip, 0.01, 4)});
  const fs::path c = make("c.db", example_subject("other"), {trial_});
  MergeReport report = merge_stores({b, c}, a);
  EXPECT_EQ(report.subjects, 2u);
  EXPECT_EQ(report.trials, 3u);
  EXPECT_EQ(report.added, 2u);
  const std::string text = dump(a);
  report = merge_stores({b, c, b}, a);
  EXPECT_EQ(report.trials, 3u);
  EXPECT_EQ(report.added, 0u);
  EXPECT_EQ(dump(a), text);
}

TEST_F(StoreMergeTest, MoreTrialsThanABatch) {
  std::vector<Trial> trials;
  for (std::uint64_t map = 0; map < 2500; ++map) {
    trials.push_back(example_trial(FaultKind::stuck, 0.5, map));
  }
  const fs::path a = make("a.db", example_subject(), trials);
  EXPECT_EQ(merge_stores({a}, folder_ / "all.db").added, 2500u);
  EXPECT_EQ(dump(folder_ / "all.db"), dump(a));
}

TEST_F(StoreMergeTest, AContradictionNamesBothStoresAndTheTrialAndChangesNothing) {
  Trial other = trial_;
  other.changed_bits += 1;
  const fs::path a = make("a.db", example_subject(), {trial_});
  const fs::path b = make("b.db", example_subject("else"), {trial_});
  const fs::path c = make("c.db", example_subject(), {other});
  const fs::path out = make("out.db", example_subject("third"), {trial_});
  const auto before = snapshot();
  const auto line = AllOf(HasSubstr(a.string() + " and " + c.string()),
                          HasSubstr("'standard', flip at rate 0.01, map 3"));
  EXPECT_THAT(merge_error({a, b, c}, out), line);
  EXPECT_THAT(merge_error({b, a, c}, folder_ / "fresh.db"), line);
  EXPECT_THAT(merge_error({a, c}, folder_ / "new/deep/fresh.db"), line);
  EXPECT_THAT(merge_error({b, c}, a), HasSubstr(a.string() + " and " + c.string()));
  EXPECT_EQ(snapshot(), before);
}

TEST_F(StoreMergeTest, OtherImagesAreAContradictionMissingOnesAreNot) {
  // As many right, but others: two neighbouring images trade places.
  Trial other = trial_;
  for (int i = 0; i < 7; ++i) {
    if ((trial_.right[0] >> i & 1) == (trial_.right[0] >> (i + 1) & 1)) continue;
    other.right[0] ^= static_cast<std::uint8_t>(3 << i);
    break;
  }
  ASSERT_NE(other, trial_);
  const fs::path bare = make("bare.db", example_subject(), {without_images(trial_)});
  const fs::path a = make("a.db", example_subject(), {trial_});
  const fs::path b = make("b.db", example_subject(), {other});
  EXPECT_EQ(merge_error({bare, a}, folder_ / "one.db"), "no error");
  EXPECT_EQ(merge_error({bare, b}, folder_ / "two.db"), "no error");
  EXPECT_THAT(merge_error({bare, a, b}, folder_ / "three.db"),
              HasSubstr(a.string() + " and " + b.string()));
}

TEST_F(StoreMergeTest, AnotherCleanCountIsAContradiction) {
  Subject other = example_subject();
  other.clean_correct = 89;
  const fs::path a = make("a.db", example_subject(), {});
  const fs::path b = make("b.db", other, {});
  EXPECT_THAT(merge_error({a, b}, folder_ / "out.db"),
              AllOf(HasSubstr(a.string() + " and " + b.string()),
                    HasSubstr("'standard' has 90 of 100 images right without faults in the one, "
                              "89 in the other")));
  EXPECT_FALSE(fs::exists(folder_ / "out.db"));
}

TEST_F(StoreMergeTest, MistakesAreNamedAndChangeNothing) {
  const fs::path a = make("a.db", example_subject(), {trial_});
  const fs::path old = make("old.db", example_subject(), {trial_});
  std::fstream(old, std::ios::in | std::ios::out | std::ios::binary).seekp(63) << '\1';
  const fs::path torn = make("torn.db", example_subject(), {trial_});
  fs::resize_file(torn, 6000);
  const fs::path wrong = make("wrong.db", example_subject(), {trial_});
  sqlite::Database(wrong.string(), sqlite::Access::create).execute("UPDATE trial SET correct = 1");
  fs::create_symlink(a, folder_ / "link.db");
  const auto before = snapshot();
  const fs::path out = folder_ / "out.db";
  EXPECT_THAT(merge_error({}, out), HasSubstr("no stores to merge"));
  EXPECT_THAT(merge_error({a, folder_ / "none.db"}, out), HasSubstr("none.db: no such store"));
  EXPECT_THAT(merge_error({a, old}, out), HasSubstr("old.db: store version 1"));
  EXPECT_THAT(merge_error({a, torn}, out), HasSubstr("torn.db: the store is damaged"));
  EXPECT_THAT(merge_error({a, wrong}, out),
              AllOf(HasSubstr("wrong.db: the store is damaged"), HasSubstr("1 in all")));
  EXPECT_THAT(merge_error({folder_ / "link.db"}, a), HasSubstr("is the output and an input"));
  EXPECT_THAT(merge_error({a}, old), HasSubstr("old.db: store version 1"));
  EXPECT_THAT(merge_error({a}, a / "out.db"), HasSubstr("out.db"));
  EXPECT_EQ(snapshot(), before);
}

TEST_F(StoreMergeTest, AnOutputThatIsBeingWrittenStays) {
  const fs::path a = make("a.db", example_subject(), {trial_});
  const Store writer = Store::open(folder_ / "out.db");
  EXPECT_THAT(merge_error({a}, folder_ / "out.db"), HasSubstr("another program is writing"));
  EXPECT_TRUE(fs::exists(folder_ / "out.db"));
}

TEST_F(StoreMergeTest, AStopLeavesNothing) {
  const fs::path a = make("a.db", example_subject(), {trial_});
  std::stop_source stop;
  stop.request_stop();
  Context context = default_context();
  context.stop = stop.get_token();
  EXPECT_THROW(merge_stores({a}, folder_ / "out.db", context), Interrupted);
  EXPECT_FALSE(fs::exists(folder_ / "out.db"));
}

}  // namespace
}  // namespace flatenn
