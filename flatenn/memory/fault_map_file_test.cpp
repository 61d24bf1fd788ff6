#include "flatenn/memory/fault_map_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_fault_map(text, "chip.txt");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

const FaultMapFile kGolden{4000, {{0, true}, {17, false}, {203, true}, {3999, false}}};

TEST(FaultMapFile, Golden) {
  const std::string path = FLATENN_SOURCE_DIR "/flatenn/memory/fault_map_file_golden.txt";
  EXPECT_EQ(read_fault_map_file(path), kGolden);
  EXPECT_EQ(serialize_fault_map(kGolden), read_text_file(path));
  EXPECT_EQ(kGolden.hash(), "3b9719d391bef3e86f429c075cd6547f");
}

TEST(FaultMapFile, WrittenByOthers) {
  const FaultMapFile map = parse_fault_map(
      "flatenn-fault-map\t1  4000 \r\n"
      "# measured at 0.6 V\r\n"
      "\r\n"
      "3999 0\r\n"
      "  203\r\n"
      "\t# 5 is not faulty\n"
      "17\t0  \n"
      "0000",
      "chip.txt");
  EXPECT_EQ(map, kGolden);
  EXPECT_EQ(map.hash(), kGolden.hash());
  EXPECT_EQ(parse_fault_map("flatenn-fault-map 1 1", "chip.txt"), (FaultMapFile{1, {}}));
}

RC_GTEST_PROP(FaultMapFileProperty, RoundTrips, (std::uint64_t seed)) {
  FaultMapFile map;
  map.bits = *rc::gen::inRange<std::uint64_t>(1, 5000);
  draw_fault_map(seed, 0, map.bits, *rc::gen::inRange(0, 101) / 100.0, map.faults);
  RC_ASSERT(parse_fault_map(serialize_fault_map(map), "map") == map);
  FaultMapFile other = map;
  other.bits += 1;
  RC_ASSERT(other.hash() != map.hash());
  if (map.faults.empty()) return;
  other = map;
  other.faults.front().coin = !other.faults.front().coin;
  RC_ASSERT(other.hash() != map.hash());
}

TEST(FaultMapFile, FirstLine) {
  EXPECT_EQ(error_of(""),
            "chip.txt:1: a fault map begins with \"flatenn-fault-map 1 BITS\", not \"\"");
  EXPECT_EQ(error_of("flatenn-fault-map 2 10\n"), "chip.txt:1: fault map of version 2; known: 1");
  EXPECT_EQ(error_of("flatenn-fault-map 1 0\n"),
            "chip.txt:1: the memory should have 1 to 281474976710655 cells, not \"0\"");
  for (const char* line :
       {"flatenn-fault-map", "flatenn-fault-map 1", "flatenn-fault-map 1 -5",
        "flatenn-fault-map 1 281474976710656", "flatenn-fault-map 1 99999999999999999999",
        "flatenn-fault-map 1 1e3", "flatenn-fault-map x 10", "flatenn-fault-map 1 10 10",
        "flatenn-fault-map 1 nan", "fault-map 1 10", "\n\n", "# comment\nflatenn-fault-map 1 10"}) {
    EXPECT_TRUE(error_of(line).starts_with("chip.txt:1: ")) << line;
  }
  EXPECT_NE(error_of(std::string("flatenn-fault-map 1 1\0", 22)), "accepted");
}

TEST(FaultMapFile, MistakesNameTheirLine) {
  const auto with = [](const std::string& lines) {
    return error_of("flatenn-fault-map 1 100\n" + lines);
  };
  EXPECT_EQ(with("# a\n\n100\n"), "chip.txt:4: cell 100 is beyond the memory's 100 cells");
  EXPECT_EQ(with("5 2"),
            "chip.txt:2: a line is ADDRESS or ADDRESS VALUE with VALUE 0 or 1, not \"5 2\"");
  EXPECT_EQ(with("7\n3\n5\n3 0\n7\n3\n"), "chip.txt:5: cell 3 stands in line 3 already");
  for (const char* line : {"-1", "+1", "1.0", "0x5", "1 0 0", "x", "nan", "1,0", "1 00", "1 -0",
                           "18446744073709551616", "5 # five"}) {
    EXPECT_TRUE(with(line).starts_with("chip.txt:2: ")) << line;
  }
  // What a terminal would obey, or fill a screen with, is not repeated.
  const std::string shown = with("\x1b[2J" + std::string(100000, 'x'));
  EXPECT_LT(shown.size(), 150u);
  EXPECT_TRUE(std::all_of(shown.begin(), shown.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST(FaultMapFile, Files) {
  const TemporaryFolder folder;
  const auto path = folder / "chip.txt";
  write_fault_map_file(path, kGolden);
  EXPECT_EQ(read_fault_map_file(path), kGolden);
  for (const FaultMapFile& bug :
       {FaultMapFile{0, {}}, FaultMapFile{5, {{5, true}}}, FaultMapFile{5, {{2, true}, {1, true}}},
        FaultMapFile{5, {{2, true}, {2, false}}}}) {
    EXPECT_THROW(write_fault_map_file(path, bug), InternalError);
  }
  EXPECT_EQ(read_fault_map_file(path), kGolden);
  EXPECT_THROW(read_fault_map_file(folder / "missing.txt"), Error);
  EXPECT_THROW(read_fault_map_file(folder.path()), Error);
}

}  // namespace
}  // namespace flatenn
