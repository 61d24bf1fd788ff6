// Replay: one trial again, in every detail.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/campaign/campaign.h"
#include "flatenn/memory/protected_memory.h"

namespace flatenn {

/// One image that a trial answers otherwise than the network does without faults.
struct ChangedAnswer {
  std::uint64_t image = 0;  ///< in the data set
  int label = 0;
  int clean = 0;   ///< class without faults
  int faulty = 0;  ///< class under the faults
};

/// Faults within one tensor of the memory.
struct TensorFaults {
  std::string name;
  std::uint64_t faulty = 0;   ///< exposed cells of the map, where a placement puts their bits
  std::uint64_t changed = 0;  ///< bits read otherwise than stored; not known of activation buffers
};

struct Replay {
  Trial trial;        ///< as a campaign would store it
  GuardCounts guard;  ///< what reads met; of a memory without a guard, the cells alone
  std::uint64_t clean_correct = 0;  ///< images classified rightly without faults
  std::uint64_t memory_bits = 0;
  std::vector<Fault> faults;          ///< the whole map, exposed or not
  std::vector<TensorFaults> tensors;  ///< in memory order; the check cells of a guard come last
  std::vector<ChangedAnswer> answers;
};

/// The trial of the first kind, rate and map of the settings, all that they say beside their
/// numbers of maps. `images` as for campaign_subject. Throws Error as check_campaign does.
Replay replay_trial(const CampaignSettings& settings, const CampaignModel& model,
                    const Dataset& images, const Context& context = default_context());

}  // namespace flatenn
