#include "flatenn/data/catalog.h"

#include "flatenn/base/error.h"
#include "flatenn/config/names.h"

namespace flatenn {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    result.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return result;
}

std::vector<std::string> cifar100_classes() {
  return words(
      "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
      "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
      "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house "
      "kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle "
      "mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
      "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew "
      "skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank "
      "telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf "
      "woman worm");
}

std::vector<DatasetFacts> make_catalog() {
  using enum DatasetFormat;
  std::vector<DatasetFacts> catalog;
  catalog.push_back({.name = "fashion-mnist",
                     .format = idx,
                     .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                     "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
                     .mean = 0.2860,
                     .deviation = 0.3530,
                     .package = "dataset-fashion-mnist",
                     .package_folder = "/usr/share/datasets/fashion-mnist",
                     .origin = "https://github.com/zalandoresearch/fashion-mnist"});
  catalog.push_back({.name = "mnist",
                     .format = idx,
                     .class_names = words("0 1 2 3 4 5 6 7 8 9"),
                     .mean = 0.1307,
                     .deviation = 0.3081,
                     .package = "",
                     .package_folder = "",
                     .origin = "http://yann.lecun.com/exdb/mnist"});
  catalog.push_back({.name = "kmnist",
                     .format = idx,
                     .class_names = words("o ki su tsu na ha ma ya re wo"),
                     .mean = 0.1918,
                     .deviation = 0.3483,
                     .package = "",
                     .package_folder = "",
                     .origin = "https://github.com/rois-codh/kmnist"});
  catalog.push_back(
      {.name = "cifar10",
       .format = cifar10,
       .class_names = words("airplane automobile bird cat deer dog frog horse ship truck"),
       .mean = (0.4914 + 0.4822 + 0.4465) / 3,
       .deviation = (0.2470 + 0.2435 + 0.2616) / 3,
       .package = "",
       .package_folder = "",
       .origin = "https://www.cs.toronto.edu/~kriz/cifar.html (binary version)"});
  catalog.push_back({.name = "cifar100",
                     .format = cifar100,
                     .class_names = cifar100_classes(),
                     .mean = (0.5071 + 0.4867 + 0.4408) / 3,
                     .deviation = (0.2675 + 0.2565 + 0.2761) / 3,
                     .package = "",
                     .package_folder = "",
                     .origin = "https://www.cs.toronto.edu/~kriz/cifar.html (binary version)"});
  // Dark and bright tiles with noise: see synthetic.h.
  catalog.push_back({.name = "synthetic",
                     .format = synthetic,
                     .class_names = {},
                     .mean = 0.49,
                     .deviation = 0.29,
                     .package = "",
                     .package_folder = "",
                     .origin = ""});
  return catalog;
}

}  // namespace

const std::vector<DatasetFacts>& dataset_catalog() {
  static const std::vector<DatasetFacts> catalog = make_catalog();
  return catalog;
}

const DatasetFacts& dataset_facts(std::string_view name) {
  std::vector<std::string> names;
  for (const DatasetFacts& facts : dataset_catalog()) {
    if (facts.name == name) return facts;
    names.push_back(facts.name);
  }
  fail("unknown dataset '{}'{}", name, suggestion(name, names));
}

}  // namespace flatenn
