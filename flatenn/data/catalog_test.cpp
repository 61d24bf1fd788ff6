#include "flatenn/data/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "flatenn/base/error.h"
#include "flatenn/data/dataset.h"
#include "flatenn/data/synthetic.h"

namespace flatenn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Catalog, names_and_classes_are_distinct) {
  std::set<std::string> names;
  for (const DatasetFacts& facts : dataset_catalog()) {
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    const std::set<std::string> classes(facts.class_names.begin(), facts.class_names.end());
    EXPECT_EQ(classes.size(), facts.class_names.size()) << facts.name;
  }
  EXPECT_EQ(names.size(), dataset_names().size());
  EXPECT_EQ(dataset_facts("cifar100").class_names.size(), 100u);
  EXPECT_EQ(dataset_facts("fashion-mnist").class_names.at(9), "Ankle boot");
}

TEST(Catalog, an_unknown_name_gets_the_closest_or_all_known_ones) {
  EXPECT_THAT([] { dataset_facts("fashion_mnist"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("unknown dataset 'fashion_mnist'"),
                                         HasSubstr("did you mean 'fashion-mnist'?"))));
  EXPECT_THAT([] { dataset_facts("imagenet"); },
              ThrowsMessage<Error>(HasSubstr("kmnist, cifar10, cifar100, synthetic")));
  EXPECT_THAT([] { dataset_facts(""); }, ThrowsMessage<Error>(HasSubstr("unknown dataset ''")));
}

TEST(Catalog, pixel_scale_is_one_deviation_a_unit_and_zero_at_the_mean) {
  const PixelScale fashion = pixel_scale("fashion-mnist");
  EXPECT_EQ(fashion.zero_point, 73);
  EXPECT_EQ(fashion.scale, static_cast<float>(1 / (255 * 0.3530)));
  EXPECT_EQ(pixel_scale("mnist").zero_point, 33);
  EXPECT_EQ(pixel_scale("kmnist").zero_point, 49);
  EXPECT_EQ(pixel_scale("cifar10").zero_point, 121);
  EXPECT_EQ(pixel_scale("cifar100").zero_point, 122);
}

// The catalog's figures are measured on the training pixels.
void expect_normalised(const Dataset& data) {
  double sum = 0, squares = 0;
  const PixelScale pixels = pixel_scale(data.name);
  for (const std::uint8_t q : data.images) {
    const double value = pixels.scale * (q - pixels.zero_point);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / static_cast<double>(data.images.size());
  EXPECT_NEAR(mean, 0, 0.02);
  EXPECT_NEAR(squares / static_cast<double>(data.images.size()) - mean * mean, 1, 0.03);
}

TEST(Catalog, pixel_scale_normalises_the_synthetic_set) {
  expect_normalised(load_dataset("synthetic", Split::train));
}

}  // namespace
}  // namespace flatenn
