#include "flatenn/study/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kStudy = R"(
seeds = [0, 1]
[train]
epochs = 3
sparsity.strength = 3e-5
plan.radius_warmup = 1
[[arm]]
name = "standard"
[[arm]]
name = "sparse"
sparse = true
[[arm]]
name = "sparse-saq-code"
sparse = true
metric = "code"
radius = 0.02
[campaign]
kinds = ["flip"]
rates = [0.01]
maps = 5
images = 100
[validation]
maps = 3
images = 50
)";

StudySettings read(const std::vector<std::string>& overrides = {}) {
  StudySettings study;
  read_config_text(kStudy, "s.toml", overrides, [&](Binder& b) { bind(b, study); });
  return study;
}

std::string text_of(TrainSettings settings) {
  return write_config([&](Binder& b) { bind(b, settings); });
}

std::string error_of(const std::vector<std::string>& overrides) {
  try {
    check_settings(read(overrides));
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(StudySettings, ReadsAStudy) {
  const StudySettings study = read();
  check_settings(study);
  EXPECT_THAT(study.seeds, ElementsAre(0, 1));
  ASSERT_EQ(study.arms.size(), 3u);
  EXPECT_EQ(study.arms[2].metric, "code");
  EXPECT_EQ(study.arms[2].radius, 0.02);
  EXPECT_EQ(training_name(study.arms[2], 1), "sparse-saq-code-seed1");
}

TEST(StudySettings, ArmsShareAllButSparsityAndStepPlan) {
  const StudySettings study = read();
  const TrainSettings plain = arm_training(study, study.arms[0], 1);
  EXPECT_EQ(plain.epochs, 3);
  EXPECT_EQ(plain.seed, 1u);
  EXPECT_EQ(plain.sparsity.strength, 0);
  EXPECT_EQ(plain.plan.kind, StepPlanKind::plain);
  const TrainSettings saq = arm_training(study, study.arms[2], 0);
  EXPECT_EQ(saq.sparsity.strength, 3e-5);
  EXPECT_EQ(saq.plan.kind, StepPlanKind::sharpness_aware);
  EXPECT_EQ(saq.plan.metric, Metric::code);
  EXPECT_EQ(saq.plan.radius, 0.02);
  EXPECT_EQ(saq.plan.radius_warmup, 1);
}

TEST(StudySettings, AChangeConcernsOnlyTheArmsItCanMatterTo) {
  const StudySettings before = read();
  const auto same = [&](const StudySettings& after, std::size_t arm) {
    return text_of(arm_training(before, before.arms[arm], 0)) ==
           text_of(arm_training(after, after.arms[arm], 0));
  };
  const StudySettings radius = read({"arm.2.radius=0.03"});
  EXPECT_TRUE(same(radius, 0) && same(radius, 1));
  EXPECT_FALSE(same(radius, 2));
  const StudySettings strength = read({"train.sparsity.strength=1e-5"});
  EXPECT_TRUE(same(strength, 0));
  EXPECT_FALSE(same(strength, 1) || same(strength, 2));
  const StudySettings warmup = read({"train.plan.radius_warmup=2"});
  EXPECT_TRUE(same(warmup, 0) && same(warmup, 1));
  EXPECT_FALSE(same(warmup, 2));
  EXPECT_FALSE(same(read({"train.epochs=4"}), 0));
}

TEST(StudySettings, MetricsAreTheTrainers) {
  for (const auto& [name, metric] :
       std::vector<std::pair<std::string, Metric>>{{"weight", Metric::weight},
                                                   {"adaptive", Metric::adaptive},
                                                   {"code", Metric::code},
                                                   {"code_per_layer", Metric::code_per_layer}}) {
    const StudySettings study = read({"arm.2.metric=" + name});
    EXPECT_EQ(arm_training(study, study.arms[2], 0).plan.metric, metric) << name;
  }
}

TEST(StudySettings, VariantsSetAnythingOfTrainingButDataAndSeed) {
  const StudySettings study = read(
      {"arm.1.metric=code", "arm.1.radius=0.01",
       "arm.1.set=['plan.kind=ascent_and_errors', 'plan.errors.rate=0.02', 'averaging.kind=ema']"});
  check_settings(study);
  const TrainSettings train = arm_training(study, study.arms[1], 1);
  EXPECT_EQ(train.plan.kind, StepPlanKind::ascent_and_errors);
  EXPECT_EQ(train.plan.errors.rate, 0.02);
  EXPECT_EQ(train.plan.radius, 0.01);
  EXPECT_EQ(train.averaging.kind, AveragingKind::ema);
  EXPECT_EQ(train.seed, 1u);
  EXPECT_TRUE(study.arms[1].variant());
  EXPECT_THAT(error_of({"arm.1.set=['dataset=synthetic']"}), HasSubstr("arm 'sparse': all arms"));
  EXPECT_THAT(error_of({"arm.1.set=['plan.kid=plain']"}),
              testing::AllOf(HasSubstr("arm 'sparse'"), HasSubstr("did you mean 'kind'")));
  EXPECT_THAT(error_of({"arm.1.set=['plan.kind=random_bit_error']"}),
              HasSubstr("plan.errors.rate above 0"));
}

TEST(StudySettings, ValidationUsesItsOwnMaps) {
  const CampaignSettings validation = validation_campaign(read());
  EXPECT_EQ(validation.first_map, 10000u);
  EXPECT_EQ(validation.maps, 3u);
  EXPECT_EQ(validation.images, 50u);
  EXPECT_EQ(validation.rates, read().campaign.rates);
}

TEST(StudySettings, EachProtectionIsAnotherCampaign) {
  EXPECT_TRUE(protected_campaigns(read()).empty());
  const StudySettings study =
      read({"protections=['secded:64', 'bound:1+headroom:2', 'tmr:1+interleave:4+rotate:2']"});
  check_settings(study);
  const std::vector<CampaignSettings> campaigns = protected_campaigns(study);
  ASSERT_EQ(campaigns.size(), 3u);
  EXPECT_EQ(campaigns[0].guard, "secded:64");
  EXPECT_EQ(campaigns[0].maps, 5u);
  EXPECT_EQ(campaigns[1].headroom, 2);
  EXPECT_EQ(campaigns[1].guard, "bound:1");
  EXPECT_EQ(to_string(campaign_protection(campaigns[2])), "interleave:4+rotate:2+tmr:1");
  EXPECT_EQ(study.campaign.guard, "");
  EXPECT_EQ(validation_campaign(study).guard, "");
}

TEST(StudySettings, ProtectionMistakesNameTheirKeys) {
  using testing::AllOf;
  EXPECT_THAT(error_of({"protections=['secdec:64']"}),
              AllOf(HasSubstr("protections: "), HasSubstr("secdec")));
  EXPECT_THAT(error_of({"protections=['']"}), HasSubstr("protections: "));
  EXPECT_THAT(error_of({"protections=['secded:64+']"}), HasSubstr("protections: "));
  EXPECT_THAT(error_of({"protections=['headroom:99']"}), HasSubstr("protections: headroom"));
  EXPECT_THAT(error_of({"protections=['tmr:1+bound:1', 'bound:1+tmr:1']"}),
              HasSubstr("protections: tmr:1+bound:1 is listed twice"));
  for (const char* key : {"guard='parity:8'", "placement='rotate:1'", "headroom=2"}) {
    const std::string other(key, std::string_view(key).find('='));
    EXPECT_THAT(error_of({"protections=['secded:64']", std::string("campaign.") + key}),
                HasSubstr("protections and campaign." + other + ":"));
  }
  EXPECT_THAT(error_of({"protections=['secded:64']", "campaign.memory=['activations']",
                        "campaign.kinds=['stuck']"}),
              HasSubstr("kinds and guard: with stuck in activation buffers secded:64"));
  const StudySettings skips = read({"protections=['skip:8']", "campaign.rows=512"});
  EXPECT_EQ(protected_campaigns(skips).at(0).placement, "skip:8:128x512");
  EXPECT_THAT(error_of({"protections=['skip:8:128x64']"}),
              HasSubstr("protections: placement and geometry: skip:8:128x64"));
}

TEST(StudySettings, OfTheStudiesThatComeWithUsAreConsistent) {
  int studies = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(FLATENN_SOURCE_DIR "/configs/studies")) {
    StudySettings study;
    read_config({.file = entry.path(), .overrides = {}, .use_environment = false},
                [&](Binder& b) { bind(b, study); });
    EXPECT_NO_THROW(check_settings(study)) << entry.path();
    ++studies;
  }
  EXPECT_GE(studies, 8);
}

TEST(StudySettings, ResolvedTextReadsBack) {
  StudySettings study = read();
  const std::string text = write_config([&](Binder& b) { bind(b, study); });
  StudySettings again;
  read_config_text(text, "t", {}, [&](Binder& b) { bind(b, again); });
  EXPECT_EQ(write_config([&](Binder& b) { bind(b, again); }), text);
}

TEST(StudySettings, MistakesAreOneClearLine) {
  EXPECT_THAT(error_of({"arm=[]"}), HasSubstr("at least one [[arm]]"));
  EXPECT_THAT(error_of({"arm.0.name=''"}), HasSubstr("arm name ''"));
  EXPECT_THAT(error_of({"arm.0.name='../x'"}), HasSubstr("arm name '../x'"));
  EXPECT_THAT(error_of({"arm.0.name='a/b'"}), HasSubstr("arm name 'a/b'"));
  EXPECT_THAT(error_of({"arm.0.name=sparse"}), HasSubstr("two arms are called 'sparse'"));
  EXPECT_THAT(error_of({"arm.0.sparse=true"}), HasSubstr("arm 'sparse': another arm"));
  EXPECT_THAT(error_of({"arm.0.radius=1"}), HasSubstr("no effect without a metric"));
  EXPECT_THAT(error_of({"arm.2.metric=cod"}), HasSubstr("did you mean 'code'?"));
  EXPECT_THAT(error_of({"arm.2.radius=-1"}), HasSubstr("at least 0"));
  for (const char* key : {"campaign.until=1", "campaign.source=single", "campaign.sweep=bits"}) {
    EXPECT_THAT(error_of({key}), HasSubstr("the same fault maps")) << key;
  }
  EXPECT_THAT(error_of({"seeds=[]"}), HasSubstr("seeds: the list is empty"));
  EXPECT_THAT(error_of({"seeds=[1,1]"}), HasSubstr("listed twice"));
  EXPECT_THAT(error_of({"train.seed=1"}), HasSubstr("in 'seeds'"));
  EXPECT_THAT(error_of({"train.plan.radius=1"}), HasSubstr("stand in its arms"));
  EXPECT_THAT(error_of({"train.sparsity.strength=0"}), HasSubstr("a sparse arm needs"));
  EXPECT_THAT(error_of({"campaign.maps=10001"}), HasSubstr("where the maps of validation begin"));
  EXPECT_THAT(error_of({"campaign.first_map=10000"}), HasSubstr("maps of validation"));
  EXPECT_THAT(error_of({"campaign.first_map=9998", "campaign.maps=2"}), HasSubstr("no error"));
  EXPECT_THAT(error_of({"campaign.rates=[2]"}), HasSubstr("2"));
  EXPECT_THAT(error_of({"validation.maps=0"}), HasSubstr("at least 1"));
}

}  // namespace
}  // namespace flatenn
