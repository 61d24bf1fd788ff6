// Commands: what every subcommand is made of. One file a subcommand: parse, call, print.
//
//   void add_show(CLI::App& app, Session& session) {
//     auto model = std::make_shared<std::string>();
//     CLI::App* command = add_command(app, session, "show", "Describe a model file",
//                                     "flatenn show runs/as-saq/model.safetensors",
//                                     [&session, model] { show(session, *model); });
//     command->add_option("MODEL", *model, "a model file")->required();
//   }
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/config/bind.h"

namespace flatenn::cli {

/// What the subcommands share. Lives as long as the program.
struct Session {
  bool json = false;                   ///< --json: results as one JSON document on standard output
  std::vector<std::string> overrides;  ///< --set a.b=c
  std::string resume_hint;             ///< printed after Ctrl-C: how to go on; empty: nothing kept
  Context context;                     ///< progress bar or lines, and Ctrl-C
  std::function<void()> run;           ///< set by parsing: what the chosen subcommand does
};

/// Adds a subcommand with --json and an example in its help. `run` is called after parsing; it
/// prints results with print() or print_json() and throws Error for a user's mistake (exit code 2),
/// Interrupted when stopped (130).
CLI::App* add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& help, const std::string& example,
                      std::function<void()> run);

/// Adds --set, whose values arrive in session.overrides, and lists the keys below the help.
void add_settings(CLI::App& command, Session& session,
                  const std::function<void(Binder&)>& bind_all);

/// Text to standard output, as it is.
void print(std::string_view text);
/// One JSON document and a line break to standard output. Bytes that are not UTF-8, as a file's
/// name may hold, are replaced.
void print_json(const nlohmann::json& value);
/// One JSON document on a line of its own: for streams.
void print_json_line(const nlohmann::ordered_json& value);

/// {"flip,stuck0", "stuck1"} -> flip, stuck0, stuck1. Empty parts are left out.
std::vector<std::string> split_list(const std::vector<std::string>& values);

void add_analyze(CLI::App& app, Session& session);
void add_attack(CLI::App& app, Session& session);
void add_campaign(CLI::App& app, Session& session);
void add_compare(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_plan(CLI::App& app, Session& session);
void add_repair(CLI::App& app, Session& session);
void add_replay(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_show(CLI::App& app, Session& session);
void add_silence(CLI::App& app, Session& session);
void add_store(CLI::App& app, Session& session);
void add_study(CLI::App& app, Session& session);
void add_tolerance(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_transient(CLI::App& app, Session& session);

}  // namespace flatenn::cli
