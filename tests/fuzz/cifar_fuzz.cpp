// CIFAR records; the first byte of the input chooses the layout.
#include "flatenn/base/error.h"
#include "flatenn/data/cifar.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  Bytes cifar10(1 + 2 * 3073, 3), cifar100(1 + 2 * 3074, 3);
  cifar10[0] = 0;
  cifar100[0] = 1;
  return {cifar10, cifar100};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  if (size == 0) return 0;
  const CifarLayout layout = data[0] % 2 == 0 ? CifarLayout::cifar10 : CifarLayout::cifar100;
  Dataset images;
  images.channels = 3;
  images.height = images.width = 32;
  try {
    append_cifar(std::as_bytes(std::span(data + 1, size - 1)), layout, "input", images);
    FLATENN_ASSERT(images.images.size() == images.size() * images.image_bytes());
  } catch (const Error&) {
  }
  return 0;
}
