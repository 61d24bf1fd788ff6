#include <gtest/gtest.h>

#include "cli/doctor_torch.h"

namespace flatenn::cli {
namespace {

constexpr const char* kReference =
    "7f00-7f01 r--p 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0\n";
constexpr const char* kOpenMp =
    "7f00-7f01 r-xp 00000000 08:01 2 /usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3\n";
constexpr const char* kPthread =
    "7f00-7f01 r-xp 00000000 08:01 3 "
    "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so";

TEST(FindBlas, KnowsTheLibrariesOfDebian) {
  EXPECT_EQ(find_blas(kReference).kind, Blas::reference);
  EXPECT_EQ(find_blas(kReference).path, "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0");
  EXPECT_EQ(find_blas(kOpenMp).kind, Blas::openblas_openmp);
  EXPECT_EQ(find_blas(kPthread).kind, Blas::openblas_pthread);
}

TEST(FindBlas, AnOptimisedLibraryCountsBeforeTheReference) {
  EXPECT_EQ(find_blas(std::string(kReference) + kOpenMp).kind, Blas::openblas_openmp);
  EXPECT_EQ(find_blas(std::string(kOpenMp) + kReference).kind, Blas::openblas_openmp);
}

TEST(FindBlas, IsNoneWithoutOne) {
  EXPECT_EQ(find_blas("").kind, Blas::none);
  EXPECT_EQ(find_blas("7f00-7f01 rw-p 00000000 00:00 0 [heap]\n").kind, Blas::none);
}

TEST(Torch, NamesItsVersion) { EXPECT_NE(torch_version().find('.'), std::string::npos); }

}  // namespace
}  // namespace flatenn::cli
