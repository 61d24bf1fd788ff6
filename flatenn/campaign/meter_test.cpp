#include "flatenn/campaign/meter.h"

#include <gtest/gtest.h>

namespace flatenn {
namespace {

class Recorder : public Events {
 public:
  void progress(const Progress& progress) override { last = progress; }
  void finished(std::string_view task) override { ended = task; }
  Progress last;
  std::string ended;
};

TEST(Meter, CountsWhatIsStoredAndWhatIsMeasured) {
  Recorder recorder;
  const Context context{&recorder, {}};
  Meter meter(context);
  meter.expect(0, 10);
  meter.expect(1, 20);
  meter.expect(1, 30);  // more is known
  meter.add_stored(4);
  meter.add("net", 100, {{FaultKind::flip, 0.1, 0, 50}, {FaultKind::flip, 0.1, 1, 60}});
  meter.report();
  EXPECT_EQ(recorder.last.total, 40);
  EXPECT_EQ(recorder.last.done, 6);
  meter.finish();
  EXPECT_EQ(recorder.ended, "campaign");
}

TEST(Meter, NamesTheWorstCellWithItsInterval) {
  Recorder recorder;
  const Context context{&recorder, {}};
  Meter meter(context);
  meter.report();
  EXPECT_EQ(recorder.last.note, "");
  meter.add("net", 100, {{FaultKind::flip, 0.1, 0, 50}});
  meter.report();
  EXPECT_EQ(recorder.last.note, "worst 50.0 % over 1 maps (net, flip 0.1)");
  // t(1) = 12.706, sd = sqrt(50): half width 12.706 * 7.0711 / sqrt(2) = 63.5.
  meter.add("net", 100, {{FaultKind::flip, 0.1, 1, 60}, {FaultKind::stuck0, 0.1, 0, 90}});
  meter.report();
  EXPECT_EQ(recorder.last.note, "worst 55.0 +- 63.5 % over 2 maps (net, flip 0.1)");
}

}  // namespace
}  // namespace flatenn
