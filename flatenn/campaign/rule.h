// Rule: a campaign whose next trials are the caller's choice. What plan.h is to campaigns of known
// shape, a rule is to searches.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/plan.h"

namespace flatenn {

/// What one subject has measured: `trials` ordered by kind, rate, map, among them all that the
/// rule asked for and perhaps others.
struct MeasuredSubject {
  Subject subject;  ///< with clean_correct
  std::vector<Trial> trials;
};

/// The next round: trials that are not measured yet; nothing ends the campaign. A pure function, so
/// that a campaign that was stopped goes on as if nothing had happened; it should not be misled by
/// more trials than it asked for.
using TrialRule = std::function<std::vector<WorkUnit>(const MeasuredSubject&)>;

/// Round after round until the rule asks for nothing. Trials are taken from `store` and put there;
/// nullptr: they are kept in memory. `images` and `split` as for campaign_subject. Of the settings
/// kinds, rates, maps and stopping rule have no say; with per_image, trials stored without are not
/// measured again. Results do not depend on threads or interruptions. Throws Interrupted,
/// everything finished stored. Preconditions: the settings do not sweep; check_campaign passed.
MeasuredSubject measure_by_rule(const CampaignSettings& settings, const CampaignModel& model,
                                const Dataset& images, std::string_view split, Store* store,
                                const TrialRule& rule, const Context& context = default_context());

}  // namespace flatenn
