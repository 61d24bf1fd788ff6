#include "flatenn/memory/guard.h"

#include "flatenn/base/error.h"
#include "flatenn/memory/protection_text.h"

namespace flatenn {
namespace {

/// Whether the part's value had the suffix, which it loses.
bool take_suffix(ProtectionText::Part& part, std::string_view suffix) {
  if (!part.value.ends_with(suffix)) return false;
  part.value.remove_suffix(suffix.size());
  return true;
}

void parse_code(ProtectionText& parts, ProtectionText::Part part, Guard& guard) {
  if (guard.code != WordCodeKind::none) {
    fail("guard: parity and secded are two codes for the same words; choose one");
  }
  guard.code = part.name == "parity" ? WordCodeKind::parity : WordCodeKind::secded;
  guard.zero = guard.code == WordCodeKind::parity;
  if (guard.code == WordCodeKind::secded && take_suffix(part, ":zero")) guard.zero = true;
  guard.word_bits = static_cast<int>(parts.number(part, 1, 64, "bits a word"));
}

}  // namespace

bool names_guard(std::string_view name) {
  return name == "tmr" || name == "parity" || name == "secded" || name == "bound";
}

Guard parse_guard(std::string_view text) {
  Guard guard;
  ProtectionText parts("guard", text,
                       "tmr:K, parity:N, secded:N, secded:N:zero, bound:1..3, bound:1..3:channel");
  while (auto part = parts.next()) {
    if (part->name == "tmr") {
      guard.voted = static_cast<int>(parts.number(*part, 1, 16, "voted bits of a code"));
    } else if (part->name == "parity" || part->name == "secded") {
      parse_code(parts, *part, guard);
    } else if (part->name == "bound") {
      guard.channels = take_suffix(*part, ":channel");
      guard.bound = static_cast<BoundRule>(parts.number(*part, 1, 3, "(BnP1 to BnP3)"));
    } else {
      parts.fail_unknown(*part);
    }
  }
  return guard;
}

std::string to_string(const Guard& guard) {
  std::string text;
  if (guard.voted > 0) text += fmt::format("+tmr:{}", guard.voted);
  if (guard.code == WordCodeKind::parity) text += fmt::format("+parity:{}", guard.word_bits);
  if (guard.code == WordCodeKind::secded) {
    text += fmt::format("+secded:{}{}", guard.word_bits, guard.zero ? ":zero" : "");
  }
  if (guard.bound != BoundRule::none) {
    text += fmt::format("+bound:{}{}", int(guard.bound), guard.channels ? ":channel" : "");
  }
  return text.empty() ? text : text.substr(1);
}

}  // namespace flatenn
