#include "cli/commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn::cli {

CLI::App* add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& help, const std::string& example,
                      std::function<void()> run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->footer("Example:\n  " + example);
  command->add_flag("--json", session.json, "print results as JSON");
  command->final_callback([&session, run = std::move(run)] { session.run = run; });
  return command;
}

void add_settings(CLI::App& command, Session& session,
                  const std::function<void(Binder&)>& bind_all) {
  command
      .add_option("--set", session.overrides, "set one key: a.b=c, values as in TOML; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
  const std::string example = command.get_footer();
  command.footer([example, bind_all] { return example + "\n\nKeys:\n" + config_help(bind_all); });
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    fail("standard output: cannot write; is the disk full?");
  }
}

void print_json(const nlohmann::json& value) {
  print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void print_json_line(const nlohmann::ordered_json& value) {
  print(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  std::fflush(stdout);  // whoever reads the stream waits for it
}

std::vector<std::string> split_list(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    std::size_t first = 0;
    while (first <= value.size()) {
      const std::size_t comma = std::min(value.find(',', first), value.size());
      if (comma > first) parts.push_back(value.substr(first, comma - first));
      first = comma + 1;
    }
  }
  return parts;
}

}  // namespace flatenn::cli
