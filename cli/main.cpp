// flatenn: the program. Parses, runs one subcommand, turns exceptions into exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "flatenn/base/error.h"

namespace flatenn::cli {
namespace {

constexpr int kUserMistake = 2;
constexpr int kBug = 70;  // EX_SOFTWARE of sysexits.h
constexpr int kStopped = 130;

/// ", did you mean 'x'?" or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string closest = closest_name(name, candidates);
  return closest.empty() ? "" : fmt::format("; did you mean '{}'?", closest);
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

/// Commands of commands too: "store", then "store merge". `spoken` is what was typed so far.
void check_command_name(const CLI::App& app, std::span<char*> words, const std::string& spoken) {
  const std::vector<std::string> names = command_names(app);
  if (names.empty()) return;
  if (words.empty()) {
    fail("no command; one of {} ('{} --help' says more)", fmt::join(names, ", "), spoken);
  }
  const std::string name = words.front();
  if (name.starts_with('-')) return;
  if (std::ranges::find(names, name) == names.end()) {
    fail("unknown command '{}'{}", name, suggestion(name, names));
  }
  check_command_name(*app.get_subcommand(name), words.subspan(1), spoken + " " + name);
}

/// The command of a command that was chosen; `app` itself where none was.
const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_command(*chosen.front());
}

/// "store merge".
std::string spoken_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  if (parent == nullptr || parent->get_parent() == nullptr) return command.get_name();
  return spoken_name(*parent) + " " + command.get_name();
}

/// CLI11's mistakes as our one line, with the closest option where one was unknown.
[[noreturn]] void fail_parse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(app);
  if (&command == &app) fail("{}", error.what());
  const std::vector<std::string> extras = command.remaining();
  if (extras.empty() || dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    fail("{}: {}", spoken_name(command), error.what());
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command.get_options()) options.push_back(option->get_name());
  fail("{}: unexpected argument '{}'{}", spoken_name(command), extras.front(),
       suggestion(extras.front(), options));
}

/// False when parsing already did what was asked (--help, --version).
bool parse(CLI::App& app, int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  check_command_name(app, words.subspan(std::min<std::size_t>(1, words.size())), "flatenn");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(chosen_command(app).help());
    return false;
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
    return false;
  } catch (const CLI::ParseError& error) {
    fail_parse(app, error);
  }
  return true;
}

void run(int argc, char** argv, Session& session) {
  CLI::App app("Fault tolerance of quantized neural networks: train, corrupt, measure.", "flatenn");
  app.set_version_flag("--version", "flatenn " FLATENN_VERSION);
  app.require_subcommand(0, 1);
  // A repeated option overrides the earlier one, so that scripts can append.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.footer("Run 'flatenn COMMAND --help' for one command's options and an example.");
  add_study(app, session);
  add_train(app, session);
  add_transient(app, session);
  add_eval(app, session);
  add_analyze(app, session);
  add_attack(app, session);
  add_campaign(app, session);
  add_tolerance(app, session);
  add_plan(app, session);
  add_silence(app, session);
  add_repair(app, session);
  add_replay(app, session);
  add_report(app, session);
  add_compare(app, session);
  add_store(app, session);
  add_show(app, session);
  add_doctor(app, session);
  if (parse(app, argc, argv) && session.run) session.run();
  if (std::fflush(stdout) != 0) fail("standard output: cannot write; is the disk full?");
}

/// The first line of a message: a library's exception may carry a stack trace.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

/// libtorch's allocator throws an exception of no type of its own.
bool is_out_of_memory(const std::exception& exception) {
  return dynamic_cast<const std::bad_alloc*>(&exception) != nullptr ||
         std::string_view(exception.what()).find("DefaultCPUAllocator") != std::string_view::npos;
}

int report_and_code(const Session& session) {
  try {
    throw;
  } catch (const Error& error) {
    fmt::print(stderr, "flatenn: error: {}\n", error.what());
    return kUserMistake;
  } catch (const Interrupted& stop) {
    fmt::print(stderr, "flatenn: stopped: {}{}{}\n", stop.what(),
               session.resume_hint.empty() ? "" : "; ", session.resume_hint);
    return kStopped;
  } catch (const std::exception& bug) {
    if (is_out_of_memory(bug)) {
      fmt::print(stderr, "flatenn: error: out of memory\n");
      return kUserMistake;
    }
    fmt::print(stderr, "flatenn: internal error: {}\n", first_line(bug.what()));
    return kBug;
  }
}

int main(int argc, char** argv) {
  const StopOnSignal signals;
  Terminal terminal(standard_error_options());
  Session session;
  session.context = Context{&terminal, signals.token()};
  try {
    run(argc, argv, session);
    return 0;
  } catch (...) {
    terminal.close();
    return report_and_code(session);
  }
}

}  // namespace
}  // namespace flatenn::cli

int main(int argc, char** argv) { return flatenn::cli::main(argc, argv); }
