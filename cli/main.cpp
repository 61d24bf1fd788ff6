// flatenn: the program. Parses, runs one subcommand, turns exceptions into exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <new>
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

void check_command_name(const CLI::App& app, int argc, char** argv) {
  const std::vector<std::string> names = command_names(app);
  if (argc < 2) {
    fail("no command; one of {} ('flatenn --help' says more)", fmt::join(names, ", "));
  }
  const std::string name = argv[1];
  if (name.starts_with('-') || std::ranges::find(names, name) != names.end()) return;
  fail("unknown command '{}'{}", name, suggestion(name, names));
}

/// CLI11's mistakes as our one line, with the closest option where one was unknown.
[[noreturn]] void fail_parse(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) fail("{}", error.what());
  const CLI::App& command = *chosen.front();
  const std::vector<std::string> extras = command.remaining();
  if (extras.empty() || dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    fail("{}: {}", command.get_name(), error.what());
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command.get_options()) options.push_back(option->get_name());
  fail("{}: unexpected argument '{}'{}", command.get_name(), extras.front(),
       suggestion(extras.front(), options));
}

/// False when parsing already did what was asked (--help, --version).
bool parse(CLI::App& app, int argc, char** argv) {
  check_command_name(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    print((chosen.empty() ? app : *chosen.front()).help());
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
  add_eval(app, session);
  add_campaign(app, session);
  add_report(app, session);
  add_show(app, session);
  add_doctor(app, session);
  if (parse(app, argc, argv) && session.run) session.run();
  if (std::fflush(stdout) != 0) fail("standard output: cannot write; is the disk full?");
}

/// The first line of a message: a library's exception may carry a stack trace.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

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
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "flatenn: error: out of memory\n");
    return kUserMistake;
  } catch (const std::exception& bug) {
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
