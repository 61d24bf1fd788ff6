#include "flatenn/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "flatenn/base/error.h"
#include "flatenn/data/testing.h"

namespace flatenn {
namespace {

using test::Bytes;
using test::Folder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

// 20 training images of 2x2 pixels; image i has the label i % 10 and the pixels 4 i, 4 i + 1, ...
void write_mnist(const Folder& folder, const std::string& images, const std::string& labels) {
  std::vector<std::uint8_t> pixels(80), classes(20);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::uint8_t>(i % 10);
  const Bytes image_file = test::idx({20, 2, 2}, pixels), label_file = test::idx({20}, classes);
  folder.write(images, images.ends_with(".gz") ? test::gzip(image_file) : image_file);
  folder.write(labels, labels.ends_with(".gz") ? test::gzip(label_file) : label_file);
}

std::vector<std::size_t> histogram(const Dataset& data) {
  std::vector<std::size_t> counts(static_cast<std::size_t>(data.classes));
  for (const std::uint8_t label : data.labels) ++counts[label];
  return counts;
}

void expect_load_fails(std::string_view name, Split split, const std::filesystem::path& folder,
                       const testing::Matcher<const std::string&>& message) {
  EXPECT_THAT([&] { load_dataset(name, split, folder); }, ThrowsMessage<Error>(message));
}

TEST(Dataset, slice_keeps_the_description_and_cuts_images_and_labels) {
  const Dataset all = load_dataset("synthetic", Split::test);
  const Dataset part = all.slice(10, 5);
  EXPECT_EQ(part.size(), 5u);
  EXPECT_EQ(part.name, all.name);
  EXPECT_EQ(part.class_names, all.class_names);
  EXPECT_TRUE(std::ranges::equal(part.image(0), all.image(10)));
  EXPECT_EQ(all.slice(200, 0).size(), 0u);
  EXPECT_THROW(all.slice(199, 2), InternalError);
  EXPECT_THROW(all.slice(201, 0), InternalError);
}

TEST(Dataset, hash_follows_shape_pixels_and_labels) {
  const Dataset data = load_dataset("synthetic", Split::test);
  EXPECT_EQ(data.hash(), load_dataset("synthetic", Split::test).hash());
  Dataset other = data;
  other.images[5] ^= 1;
  EXPECT_NE(other.hash(), data.hash());
  other = data;
  other.labels[5] ^= 1;
  EXPECT_NE(other.hash(), data.hash());
  other = data;
  std::swap(other.height, other.channels);
  EXPECT_NE(other.hash(), data.hash());
}

// Synthetic images are part of results: the same on every machine and in every version.
TEST(Dataset, synthetic_images_are_pinned) {
  EXPECT_EQ(load_dataset("synthetic", Split::train).hash(), "36e9d79385fc1790ba66ec0b9b6869a0");
  EXPECT_EQ(load_dataset("synthetic", Split::test).hash(), "747c47712328f4c88df994f6f8870de0");
}

TEST(Split, names_go_both_ways) {
  for (Split split : {Split::train, Split::validation, Split::test}) {
    EXPECT_EQ(parse_split(to_string(split)), split);
  }
  EXPECT_THAT([] { parse_split("validaton"); },
              ThrowsMessage<Error>(HasSubstr("did you mean 'validation'?")));
}

TEST(Split, validation_is_the_end_of_the_training_images) {
  EXPECT_EQ(validation_count(60000), 5000u);
  EXPECT_EQ(validation_count(50000), 5000u);
  EXPECT_EQ(validation_count(600), 60u);
  EXPECT_EQ(validation_count(9), 0u);
  const Folder folder;
  write_mnist(folder, kImages, kLabels);
  const Dataset train = load_dataset("mnist", Split::train, folder.path());
  const Dataset validation = load_dataset("mnist", Split::validation, folder.path());
  ASSERT_EQ(train.size(), 18u);
  ASSERT_EQ(validation.size(), 2u);
  EXPECT_THAT(train.image(17), ElementsAre(68, 69, 70, 71));
  EXPECT_THAT(validation.image(0), ElementsAre(72, 73, 74, 75));
  EXPECT_THAT(validation.labels, ElementsAre(8, 9));
}

TEST(LoadDataset, takes_every_usual_spelling_of_idx_files) {
  for (const char* dash : {"-", "."}) {
    for (const char* end : {"", ".gz"}) {
      const Folder folder;
      write_mnist(folder, fmt::format("train-images{}idx3-ubyte{}", dash, end),
                  fmt::format("train-labels{}idx1-ubyte{}", dash, end));
      const Dataset data = load_dataset("kmnist", Split::train, folder.path());
      EXPECT_EQ(data.size(), 18u);
      EXPECT_EQ(data.height, 2);
      EXPECT_EQ(data.class_names.at(1), "ki");
    }
  }
}

TEST(LoadDataset, says_which_package_or_files_are_missing) {
  const Folder folder;
  expect_load_fails("fashion-mnist", Split::train, folder.path(),
                    AllOf(HasSubstr("package dataset-fashion-mnist"),
                          HasSubstr("/usr/share/datasets/fashion-mnist"), HasSubstr(kImages),
                          HasSubstr(folder.path().string())));
  expect_load_fails("mnist", Split::test, {},
                    AllOf(HasSubstr("t10k-images-idx3-ubyte"), HasSubstr("--data")));
  expect_load_fails("cifar10", Split::train, {},
                    AllOf(HasSubstr("data_batch_1.bin"), HasSubstr("data_batch_5.bin"),
                          HasSubstr("--data"), HasSubstr("binary version")));
  expect_load_fails("cifar100", Split::test, folder.path() / "nowhere",
                    AllOf(HasSubstr("nowhere: no such folder"), HasSubstr("test.bin")));
  expect_load_fails("mnits", Split::test, {}, HasSubstr("did you mean 'mnist'?"));
}

TEST(LoadDataset, refuses_idx_files_that_do_not_fit_together) {
  const Folder folder;
  write_mnist(folder, kImages, kLabels);
  folder.write(kLabels, test::idx({19}, std::vector<std::uint8_t>(19)));
  expect_load_fails("mnist", Split::train, folder.path(),
                    AllOf(HasSubstr("20 images"), HasSubstr("19 labels")));
  folder.write(kLabels, test::idx({20, 1}, std::vector<std::uint8_t>(20)));
  expect_load_fails("mnist", Split::train, folder.path(), HasSubstr("labels have 1"));
  std::vector<std::uint8_t> labels(20);
  labels[7] = 10;
  folder.write(kLabels, test::idx({20}, labels));
  expect_load_fails("mnist", Split::train, folder.path(), HasSubstr("label 10 of image 7"));
  folder.write(kImages, test::idx({20, 4}, std::vector<std::uint8_t>(80)));
  expect_load_fails("mnist", Split::train, folder.path(), HasSubstr("images have 3"));
  folder.write(kImages, test::idx({1, 1, 4097}, std::vector<std::uint8_t>(4097)));
  folder.write(kLabels, test::idx({1}, {0}));
  expect_load_fails("mnist", Split::train, folder.path(), HasSubstr("1x4097 pixels"));
}

TEST(LoadDataset, refuses_too_few_images_for_a_validation_split) {
  const Folder folder;
  folder.write(kImages, test::idx({9, 1, 1}, std::vector<std::uint8_t>(9)));
  folder.write(kLabels, test::idx({9}, std::vector<std::uint8_t>(9)));
  expect_load_fails("mnist", Split::train, folder.path(), HasSubstr("9 training images"));
}

TEST(LoadDataset, reads_cifar10_from_its_folder_and_the_one_above) {
  const Folder folder;
  std::filesystem::create_directory(folder.path() / "cifar-10-batches-bin");
  for (std::size_t i = 0; i < 5; ++i) {
    folder.write(fmt::format("cifar-10-batches-bin/data_batch_{}.bin", i + 1),
                 test::cifar(4, 1, 4 * i));
  }
  for (const auto& path : {folder.path(), folder.path() / "cifar-10-batches-bin"}) {
    const Dataset train = load_dataset("cifar10", Split::train, path);
    const Dataset validation = load_dataset("cifar10", Split::validation, path);
    ASSERT_EQ(train.size(), 18u);
    EXPECT_EQ(train.channels, 3);
    EXPECT_EQ(train.image(17)[0], static_cast<std::uint8_t>(17 * 31));
    EXPECT_THAT(validation.labels, ElementsAre(8, 9));
  }
  std::filesystem::remove(folder.path() / "cifar-10-batches-bin/data_batch_3.bin");
  expect_load_fails("cifar10", Split::train, folder.path(), HasSubstr("data_batch_3.bin"));
}

TEST(LoadDataset, refuses_cifar10_batches_that_are_mixed_up) {
  const Folder folder;
  for (int i = 0; i < 5; ++i) {
    folder.write(fmt::format("data_batch_{}.bin", i + 1), test::cifar(4, 1, 4 * i));
  }
  folder.write("test_batch.bin", test::cifar(4, 1, 8));
  for (const Split split : {Split::train, Split::test}) {
    expect_load_fails("cifar10", split, folder.path(),
                      AllOf(HasSubstr("data_batch_3.bin and"), HasSubstr("test_batch.bin hold")));
  }
  folder.write("test_batch.bin", test::cifar(5, 1, 8));  // more than a copy
  EXPECT_EQ(load_dataset("cifar10", Split::test, folder.path()).size(), 5u);
  folder.write("data_batch_4.bin", test::cifar(3, 1, 12));
  expect_load_fails("cifar10", Split::train, folder.path(),
                    AllOf(HasSubstr("data_batch_4.bin holds 3"), HasSubstr("truncated")));
}

TEST(LoadDataset, reads_cifar100_with_its_fine_labels) {
  const Folder folder;
  folder.write("test.bin", test::cifar(12, 2));
  const Dataset test = load_dataset("cifar100", Split::test, folder.path());
  ASSERT_EQ(test.size(), 12u);
  EXPECT_EQ(test.classes, 100);
  EXPECT_EQ(test.class_names.at(test.labels[11]), "aquarium_fish");
}

// Figures counted by an independent reader.
TEST(FashionMnist, is_read_whole) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "Debian's package dataset-fashion-mnist is not installed";
  }
  const Dataset train = load_dataset("fashion-mnist", Split::train);
  const Dataset validation = load_dataset("fashion-mnist", Split::validation);
  const Dataset test = load_dataset("fashion-mnist", Split::test);
  const auto sum = [](const Dataset& data) {
    return std::accumulate(data.images.begin(), data.images.end(), std::uint64_t{0});
  };
  EXPECT_EQ(train.image_bytes(), 784u);
  EXPECT_THAT(histogram(train),
              ElementsAre(5479, 5503, 5510, 5492, 5473, 5497, 5533, 5550, 5485, 5478));
  EXPECT_THAT(histogram(validation), ElementsAre(521, 497, 490, 508, 527, 503, 467, 450, 515, 522));
  EXPECT_THAT(histogram(test), testing::Each(1000));
  EXPECT_EQ(sum(train), 3142732765u);
  EXPECT_EQ(sum(validation), 288381404u);
  EXPECT_EQ(sum(test), 573469082u);
  EXPECT_EQ(test.hash(), "1577b1b505add1cf02debd3620d427ab");
}

}  // namespace
}  // namespace flatenn
