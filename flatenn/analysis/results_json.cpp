#include "flatenn/analysis/results_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/analysis/json_fields.h"
#include "flatenn/base/error.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// Format 1 had no mean square of the codes.
constexpr int kFormat = 2;

// Writing.

ordered_json write(double x) { return std::isfinite(x) ? ordered_json(x) : ordered_json(nullptr); }

ordered_json write(const std::vector<double>& values) {
  ordered_json list = ordered_json::array();
  for (const double x : values) list.push_back(write(x));
  return list;
}

template <class T, class Element>
ordered_json write_list(const std::vector<T>& items, Element element) {
  ordered_json list = ordered_json::array();
  for (const T& item : items) list.push_back(element(item));
  return list;
}

ordered_json write(const Interval& i) {
  return {{"mean", write(i.mean)},
          {"sd", write(i.sd)},
          {"lo", write(i.lo)},
          {"hi", write(i.hi)},
          {"n", i.n}};
}

/// [[losses], [accuracies]]: shorter than an object a point.
ordered_json write_points(const std::vector<LossPoint>& points) {
  ordered_json losses = ordered_json::array(), accuracies = ordered_json::array();
  for (const LossPoint& point : points) {
    losses.push_back(write(point.loss));
    accuracies.push_back(write(point.accuracy));
  }
  return {{"loss", std::move(losses)}, {"accuracy", std::move(accuracies)}};
}

ordered_json write(const Sharpness& s) {
  return {{"metric", s.metric},
          {"radius", write(s.radius)},
          {"distance", write(s.distance)},
          {"rise", write(s.rise)}};
}

ordered_json write(const BitSensitivity& bit) {
  return {{"tensor", bit.tensor},
          {"bit", bit.bit},
          {"cells", bit.cells},
          {"kinds", write_list(bit.kinds, [](const BitSensitivity::OfKind& k) {
             return ordered_json{{"kind", to_string(k.kind)},
                                 {"changed", write(k.changed)},
                                 {"first", write(k.first)},
                                 {"first_magnitude", write(k.first_magnitude)},
                                 {"second", write(k.second)}};
           })}};
}

ordered_json write(const Analysis& a) {
  ordered_json out = {{"label", a.label},           {"model_hash", a.model_hash},
                      {"dataset", a.dataset},       {"split", a.split},
                      {"data_hash", a.data_hash},   {"settings", a.settings},
                      {"images", a.images},         {"curvature_images", a.curvature_images},
                      {"loss", write(a.here.loss)}, {"accuracy", write(a.here.accuracy)}};
  out["landscape"] = {{"line_positions", write(a.landscape.line_positions)},
                      {"lines", write_list(a.landscape.lines, write_points)},
                      {"plane_positions", write(a.landscape.plane_positions)},
                      {"plane", write_points(a.landscape.plane)}};
  out["sharpness"] = write_list(a.sharpness, [](const Sharpness& s) { return write(s); });
  const Flatness& f = a.flatness;
  out["flatness"] = {{"average_radius", write(f.average_radius)},
                     {"average", write(f.average)},
                     {"worst_radius", write(f.worst_radius)},
                     {"restarts", f.restarts},
                     {"worst", write(f.worst)}};
  const Curvature& c = a.curvature;
  out["curvature"] = {{"method", c.method},
                      {"eigenvalues", write(c.eigenvalues)},
                      {"residuals", write(c.residuals)},
                      {"trace", write(c.trace)},
                      {"weight_norm", write(c.weight_norm)}};
  out["bits"] = write_list(a.bits, [](const BitSensitivity& b) { return write(b); });
  out["sparsity"] = write_list(a.sparsity, [](const LayerSparsity& s) {
    return ordered_json{{"node", s.node}, {"elements", s.elements}, {"zeros", write(s.zeros)}};
  });
  out["histograms"] = write_list(a.histograms, [](const CodeHistogram& h) {
    return ordered_json{{"tensor", h.tensor},
                        {"first_code", h.first_code},
                        {"counts", h.counts},
                        {"scale", write(h.scale)},
                        {"offset", write(h.offset)}};
  });
  out["mean_square_code"] = write(mean_square_code(a.histograms));
  out["margins"] = {{"shares", write(a.margins.shares)},
                    {"quantiles", write(a.margins.quantiles)},
                    {"mean", write(a.margins.mean)}};
  out["distances"] = write_list(a.distances, [](const InitialDistance& d) {
    return ordered_json{{"tensor", d.tensor}, {"relative", write(d.relative)}};
  });
  return out;
}

ordered_json write(const Correlation& c) {
  return {{"measure", c.measure}, {"kind", to_string(c.kind)}, {"rate", write(c.rate)},
          {"all", write(c.all)},  {"within", write(c.within)}, {"p", write(c.p)}};
}

ordered_json write(const Ranking& r) {
  return {{"label", r.label},
          {"of", r.of},
          {"kind", to_string(r.kind)},
          {"rate", write(r.rate)},
          {"parts", write_list(r.parts,
                               [](const Ranking::Part& part) {
                                 return ordered_json{{"name", part.name},
                                                     {"predicted", write(part.predicted)},
                                                     {"measured", write(part.measured)}};
                               })},
          {"correlation", write(r.correlation)}};
}

// Reading.

Landscape read_landscape(JsonFields f) {
  Landscape landscape;
  landscape.line_positions = f.numbers("line_positions");
  landscape.lines = f.list<std::vector<LossPoint>>("lines", JsonFields::read_points);
  landscape.plane_positions = f.numbers("plane_positions");
  landscape.plane = f.points("plane");
  f.done();
  for (const std::vector<LossPoint>& line : landscape.lines) {
    if (line.size() != landscape.line_positions.size()) {
      refuse_analysis(f.place("lines"), "a point a position needed");
    }
  }
  const std::size_t side = landscape.plane_positions.size();
  if (landscape.plane.size() != side * side) {
    refuse_analysis(f.place("plane"), "a point a pair of positions needed");
  }
  return landscape;
}

Sharpness read_sharpness(const json& value, const std::string& where) {
  JsonFields f(value, where);
  Sharpness s{f.text("metric"), f.number("radius"), f.number("distance"), f.number("rise")};
  f.done();
  return s;
}

Flatness read_flatness(JsonFields f) {
  Flatness flatness{f.number("average_radius"), f.interval("average"), f.number("worst_radius"),
                    f.count("restarts"), f.number("worst")};
  f.done();
  return flatness;
}

Curvature read_curvature(JsonFields f) {
  Curvature c{f.text("method"), f.numbers("eigenvalues"), f.numbers("residuals"),
              f.interval("trace"), f.number("weight_norm")};
  f.done();
  if (c.eigenvalues.size() != c.residuals.size()) {
    refuse_analysis(f.place("residuals"), "one an eigenvalue needed");
  }
  return c;
}

BitSensitivity read_bit(const json& value, const std::string& where) {
  JsonFields f(value, where);
  BitSensitivity bit{f.text("tensor"), f.integer("bit", 0, 31), f.count("cells"), {}};
  bit.kinds = f.list<BitSensitivity::OfKind>("kinds", [](const json& v, const std::string& w) {
    JsonFields k(v, w);
    const BitSensitivity::OfKind of_kind{k.kind("kind"), k.number("changed"), k.number("first"),
                                         k.number("first_magnitude"), k.number("second")};
    k.done();
    return of_kind;
  });
  f.done();
  return bit;
}

CodeHistogram read_histogram(const json& value, const std::string& where) {
  JsonFields f(value, where);
  CodeHistogram h{f.text("tensor"), f.integer("first_code", -128, 127), {}, 1, 0};
  h.counts = f.list<std::uint64_t>("counts", [](const json& v, const std::string& w) {
    if (!v.is_number_unsigned()) refuse_analysis(w, "must be a whole number, 0 or more");
    return v.get<std::uint64_t>();
  });
  h.scale = static_cast<float>(f.number("scale"));
  h.offset = static_cast<float>(f.number("offset"));
  f.done();
  return h;
}

Margins read_margins(JsonFields f) {
  Margins margins{f.numbers("shares"), f.numbers("quantiles"), f.number("mean")};
  f.done();
  if (margins.shares.size() != margins.quantiles.size()) {
    refuse_analysis(f.place("quantiles"), "one a share needed");
  }
  return margins;
}

Analysis read_analysis(const json& value, const std::string& where, int format) {
  JsonFields f(value, where);
  Analysis a;
  a.label = f.text("label");
  a.model_hash = f.text("model_hash");
  a.dataset = f.text("dataset");
  a.split = f.text("split");
  a.data_hash = f.text("data_hash");
  a.settings = f.text("settings");
  a.images = f.count("images");
  a.curvature_images = f.count("curvature_images");
  a.here = {f.number("loss"), f.number("accuracy")};
  a.landscape = read_landscape(f.object("landscape"));
  a.sharpness = f.list<Sharpness>("sharpness", read_sharpness);
  a.flatness = read_flatness(f.object("flatness"));
  a.curvature = read_curvature(f.object("curvature"));
  a.bits = f.list<BitSensitivity>("bits", read_bit);
  a.sparsity = f.list<LayerSparsity>("sparsity", [](const json& v, const std::string& w) {
    JsonFields s(v, w);
    LayerSparsity layer{s.text("node"), s.count("elements"), s.number("zeros")};
    s.done();
    return layer;
  });
  a.histograms = f.list<CodeHistogram>("histograms", read_histogram);
  if (format > 1) f.number("mean_square_code");  // for other readers: the histograms tell it
  a.margins = read_margins(f.object("margins"));
  a.distances = f.list<InitialDistance>("distances", [](const json& v, const std::string& w) {
    JsonFields d(v, w);
    InitialDistance distance{d.text("tensor"), d.number("relative")};
    d.done();
    return distance;
  });
  f.done();
  return a;
}

Correlation read_correlation(const json& value, const std::string& where) {
  JsonFields f(value, where);
  Correlation c{f.text("measure"), f.kind("kind"),       f.number("rate"),
                f.interval("all"), f.interval("within"), f.number("p")};
  f.done();
  return c;
}

Ranking read_ranking(const json& value, const std::string& where) {
  JsonFields f(value, where);
  Ranking r{f.text("label"), f.text("of"), f.kind("kind"), f.number("rate"), {}, {}};
  r.parts = f.list<Ranking::Part>("parts", [](const json& v, const std::string& w) {
    JsonFields p(v, w);
    Ranking::Part part{p.text("name"), p.number("predicted"), p.number("measured")};
    p.done();
    return part;
  });
  r.correlation = f.interval("correlation");
  f.done();
  return r;
}

/// A document of our format, the current one or an older one.
struct Document {
  int format = 0;
  const json& content;
};

Document unwrap(const json& document, const std::string& key, const std::string& where) {
  if (!document.is_object() || !document.contains(key) || !document.contains("format")) {
    refuse_analysis(where, fmt::format("\"format\" and \"{}\" needed", key));
  }
  const json& format = document["format"];
  if (!format.is_number_integer() || format < 1 || format > kFormat) {
    fail("{}: analysis format {}, this program reads 1 to {}", where, format.dump(), kFormat);
  }
  return {format.get<int>(), document[key]};
}

}  // namespace

ordered_json analysis_json(const Analysis& analysis) {
  return {{"format", kFormat}, {"analysis", write(analysis)}};
}

Analysis parse_analysis(std::string_view text, std::string_view where) {
  const json document = parse_strict_json(text, where);
  const auto [format, content] = unwrap(document, "analysis", std::string(where));
  return read_analysis(content, std::string(where), format);
}

ordered_json study_analysis_json(const StudyAnalysis& study) {
  ordered_json out = {
      {"networks", write_list(study.networks,
                              [](const StudyAnalysis::Network& network) {
                                return ordered_json{{"arm", network.arm},
                                                    {"seed", network.seed},
                                                    {"analysis", write(network.analysis)}};
                              })},
      {"correlations",
       write_list(study.correlations, [](const Correlation& c) { return write(c); })},
      {"best", study.best},
      {"best_mean", write(study.best_mean)},
      {"rankings", write_list(study.rankings, [](const Ranking& r) { return write(r); })}};
  return {{"format", kFormat}, {"study", std::move(out)}};
}

StudyAnalysis parse_study_analysis(std::string_view text, std::string_view where) {
  const json document = parse_strict_json(text, where);
  const Document unwrapped = unwrap(document, "study", std::string(where));
  JsonFields f(unwrapped.content, std::string(where));
  StudyAnalysis study;
  study.networks =
      f.list<StudyAnalysis::Network>("networks", [&](const json& v, const std::string& w) {
        JsonFields n(v, w);
        StudyAnalysis::Network network{
            n.text("arm"), n.count("seed"),
            read_analysis(n.value("analysis"), n.place("analysis"), unwrapped.format)};
        n.done();
        return network;
      });
  study.correlations = f.list<Correlation>("correlations", read_correlation);
  study.best = f.text("best");
  study.best_mean = f.number("best_mean");
  study.rankings = f.list<Ranking>("rankings", read_ranking);
  f.done();
  return study;
}

}  // namespace flatenn
