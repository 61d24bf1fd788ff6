// StoreDump: a store as text that two stores share exactly when they say the same.
#pragma once

#include <functional>
#include <string_view>

#include "flatenn/campaign/store.h"

namespace flatenn {

/// Writes what a store says as JSON lines, each with its line break: a line {"subject": {...}} by
/// key, then its lines {"trial": {...}} by kind, rate and map. Equal contents give equal text:
/// nothing of files, times, row ids or the order of insertion shows. Doubles have the digits that
/// bring them back; per-image results appear as their hash, bytes of labels that are not UTF-8 as
/// the replacement character. Holds one row in memory.
void dump_store(const Store& store, const std::function<void(std::string_view)>& write);

}  // namespace flatenn
