// Runs a fuzz target on mutated seeds without a fuzzing engine, the same inputs everywhere:
//
//   x_fuzz [--iterations N] [--seconds S] [--seed K] [--only I] [--write FOLDER] [FILE|FOLDER...]
//
// Files join the target's own corpus. --only I runs input I alone: what a finding asks for. --write
// stores the corpus, for libFuzzer to start from.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

namespace {

namespace fs = std::filesystem;
using flatenn::fuzz::Bytes;
using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t iterations = 4000;
  double seconds = 20;
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> only;
  std::string write;
  std::vector<std::string> corpus;
};

// What the signal handler prints: it may not format.
char g_current[64] = "before the first input\n";

void name_input_and_die(int signal) {
  const char prefix[] = "\nfuzz: fatal signal at ";
  (void)!write(STDERR_FILENO, prefix, sizeof(prefix) - 1);
  (void)!write(STDERR_FILENO, g_current, strlen(g_current));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// A reader that believes a lying length asks for absurd memory: refuse it, so that it shows.
// Sanitizers reserve address space of their own.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit = {.rlim_cur = rlim_t{2} << 30, .rlim_max = rlim_t{2} << 30};
  setrlimit(RLIMIT_AS, &limit);
#endif
}

Bytes read_input(const fs::path& path) {
  const auto bytes = flatenn::read_file(path, 1 << 20);
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return {first, first + bytes.size()};
}

std::vector<Bytes> gather_corpus(const Options& options) {
  std::vector<Bytes> corpus = flatenn::fuzz::seed_corpus();
  for (const std::string& name : options.corpus) {
    if (!fs::is_directory(name)) {
      corpus.push_back(read_input(name));
      continue;
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(name)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) corpus.push_back(read_input(file));
  }
  return corpus;
}

void write_corpus(const std::vector<Bytes>& corpus, const fs::path& folder) {
  flatenn::make_folder(folder);
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    flatenn::write_file(folder / fmt::format("seed-{}", i), std::as_bytes(std::span(corpus[i])));
  }
}

double run_one(const std::vector<Bytes>& corpus, std::uint64_t seed, std::uint64_t iteration) {
  const Bytes input = flatenn::fuzz::make_input(corpus, seed, iteration);
  std::snprintf(g_current, sizeof(g_current), "--seed %llu --only %llu\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(iteration));
  const auto start = Clock::now();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Exit status. A single input that takes long is a finding too.
int run(const Options& options) {
  constexpr double slowest_allowed = 10;
  const std::vector<Bytes> corpus = gather_corpus(options);
  if (!options.write.empty()) {
    write_corpus(corpus, options.write);
    return 0;
  }
  const std::uint64_t first = options.only.value_or(0);
  const std::uint64_t last = options.only ? first + 1 : corpus.size() + options.iterations;
  const auto start = Clock::now();
  double slowest = 0;
  std::uint64_t i = first;
  for (; i < last && Clock::now() - start < std::chrono::duration<double>(options.seconds); ++i) {
    slowest = std::max(slowest, run_one(corpus, options.seed, i));
    if (slowest > slowest_allowed) {
      std::fprintf(stderr, "fuzz: %.1f s for one input at %s", slowest, g_current);
      return 1;
    }
  }
  std::printf("%llu inputs, %zu of them seeds, slowest %.3f s\n",
              static_cast<unsigned long long>(i - first), corpus.size(), slowest);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Runs one fuzz target on mutated seeds.");
  app.add_option("--iterations", options.iterations);
  app.add_option("--seconds", options.seconds);
  app.add_option("--seed", options.seed);
  app.add_option("--only", options.only);
  app.add_option("--write", options.write);
  app.add_option("corpus", options.corpus);
  CLI11_PARSE(app, argc, argv);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    std::signal(signal, name_input_and_die);
  }
  limit_memory();
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fuzz: '%s' came out at %s", e.what(), g_current);
    return 1;
  }
}
