// A benchmark's main: one line for a mistake, as the program itself has it.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace flatenn {

inline int run_guarded(int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}

}  // namespace flatenn
