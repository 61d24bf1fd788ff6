#include "flatenn/report/table.h"

#include <gtest/gtest.h>

namespace flatenn {
namespace {

const Table kTable{{"arm", "mean ± sd", "maps"},
                   {{"standard", "61.2 ± 3.0", "50"}, {"sparse, \"x\"", "9.0 ± 0.1", "-"}}};

TEST(AlignedText, SetsNumbersFlushRight) {
  EXPECT_EQ(aligned_text(kTable),
            "arm           mean ± sd  maps\n"
            "-----------  ----------  ----\n"
            "standard     61.2 ± 3.0    50\n"
            "sparse, \"x\"   9.0 ± 0.1     -\n");
}

TEST(AlignedText, WithoutRowsIsTheHead) {
  EXPECT_EQ(aligned_text({{"a", "b"}, {}}), "a  b\n-  -\n");
}

TEST(CsvText, QuotesCommasAndQuotes) {
  EXPECT_EQ(csv_text(kTable),
            "arm,mean ± sd,maps\n"
            "standard,61.2 ± 3.0,50\n"
            "\"sparse, \"\"x\"\"\",9.0 ± 0.1,-\n");
}

}  // namespace
}  // namespace flatenn
