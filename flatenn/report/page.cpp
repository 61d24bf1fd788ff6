#include "flatenn/report/page.h"

#include <fmt/format.h>

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>
#include <string_view>

#include "flatenn/base/error.h"
#include "flatenn/report/bit_figures.h"
#include "flatenn/report/claim_figures.h"
#include "flatenn/report/defence_figures.h"
#include "flatenn/report/explanation_figures.h"
#include "flatenn/report/page_analyses.h"
#include "flatenn/report/page_assets.h"
#include "flatenn/report/store_figures.h"
#include "flatenn/report/verdict.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;
using kainjow::mustache::data;
using kainjow::mustache::mustache;

std::string asset(std::string_view name) { return std::string(page_asset(name)); }

/// JSON for a <script> element. `<` is written as an escape: no text in it can end the element.
std::string script_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

Json document(const PageInputs& inputs, const std::vector<PageSection>& sections) {
  Json figures = Json::array();
  for (const PageSection& section : sections) {
    for (const PageFigure& figure : section.figures) {
      figures.push_back({{"id", figure.id},
                         {"type", figure.type},
                         {"title", figure.title},
                         {"summary", figure.summary},
                         {"options", figure.options},
                         {"table", figure.table.json()}});
    }
  }
  return {{"format", 1}, {"title", inputs.title}, {"figures", std::move(figures)}};
}

data texts(const std::vector<std::string>& lines) {
  data list{data::type::list};
  for (const std::string& line : lines) list.push_back(data{"text", line});
  return list;
}

data figure_data(const PageFigure& figure) {
  data item;
  item.set("id", figure.id);
  item.set("title", figure.title);
  item.set("caption", figure.caption);
  item.set("drawn", figure.type != "table");
  item.set("surface", figure.type == "surface");
  if (figure.table.left_out() > 0) {
    item.set("left_out", fmt::format("The first {} rows are here; {} more are left out to keep the "
                                     "page small: 'flatenn report STORE --csv FILE' writes all.",
                                     figure.table.rows(), figure.table.left_out()));
  }
  return item;
}

data section_list(const std::vector<PageSection>& sections) {
  data list{data::type::list};
  for (const PageSection& section : sections) {
    data figures{data::type::list};
    for (const PageFigure& figure : section.figures) figures.push_back(figure_data(figure));
    data item;
    item.set("id", section.id);
    item.set("title", section.title);
    item.set("notes", texts(section.notes));
    item.set("figures", figures);
    item.set("missing", texts(section.missing));
    list.push_back(item);
  }
  return list;
}

data verdict_list(const PageInputs& inputs) {
  data list{data::type::list};
  for (const Verdict& verdict : verdicts(inputs)) {
    data item;
    item.set("text", verdict.text);
    item.set("holds", verdict.mark == "holds");
    item.set("fails", verdict.mark == "fails");
    list.push_back(item);
  }
  return list;
}

std::string question(const PageInputs& inputs) {
  const std::string how_many =
      "How many faulty bits of memory can these quantized networks live with";
  return how_many + (inputs.claims.empty()
                         ? "?"
                         : ", and does training into flat minima help them live with more?");
}

std::string counts(const PageInputs& inputs) {
  std::size_t arms = 0;
  std::uint64_t trials = 0;
  for (const PageStore& store : inputs.stores) {
    arms += store.arms.size();
    for (const Arm& arm : store.arms) trials += arm.trials;
  }
  return fmt::format("{}, {}.", count_words(arms, "network or arm", "networks or arms"),
                     count_words(trials, "trial", "trials"));
}

bool has_surface(const std::vector<PageSection>& sections) {
  for (const PageSection& section : sections) {
    for (const PageFigure& figure : section.figures) {
      if (figure.type == "surface") return true;
    }
  }
  return false;
}

}  // namespace

std::vector<PageSection> page_sections(const PageInputs& inputs) {
  std::vector<PageSection> sections;
  const auto add = [&](PageSection section) {
    if (!section.figures.empty() || !section.missing.empty()) {
      sections.push_back(std::move(section));
    }
  };
  add(claims_section(inputs));
  add(accuracy_section(inputs));
  add(comparison_section(inputs));
  if (inputs.claims.empty()) add(differences_section(inputs));
  add(defences_section(inputs));
  add(tolerance_section(inputs));
  add(bits_section(inputs));
  add(flatness_section(inputs));
  add(explanation_section(inputs));
  add(provenance_section(inputs));
  return sections;
}

std::string page_html(const PageInputs& inputs) {
  const std::vector<PageSection> sections = page_sections(inputs);
  data page;
  page.set("title", inputs.title);
  page.set("question", question(inputs));
  page.set("counts", counts(inputs));
  page.set("verdicts", verdict_list(inputs));
  page.set("sections", section_list(sections));
  page.set("claims", !inputs.claims.empty());
  if (!inputs.settings.empty()) page.set("settings", inputs.settings);
  page.set("version", FLATENN_VERSION);
  page.set("css", asset("page.css"));
  page.set("echarts", asset("echarts.min.js"));
  if (has_surface(sections)) page.set("echarts_gl", asset("echarts-gl.min.js"));
  page.set("script", asset("page.js"));
  page.set("data", script_json(document(inputs, sections)));
  mustache format(asset("page.mustache"));
  FLATENN_ASSERT(format.is_valid());
  return format.render(page);
}

}  // namespace flatenn
