// Reader: from a document to settings structs, with every mistake named by its place.
#pragma once

#include <functional>

#include "flatenn/config/bind.h"
#include "flatenn/config/document.h"

namespace flatenn {

/// Fills what `bind_all` binds from the table `root`; keys that `root` lacks stay as they are.
/// Throws Error for unknown keys, wrong types and values out of limits.
void read_document(const Value& root, const std::function<void(Binder&)>& bind_all);

}  // namespace flatenn
