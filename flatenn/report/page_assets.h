// Page assets: the files a page is made of, put into the program when it is built.
#pragma once

#include <string_view>

namespace flatenn {

/// The bytes of "page.mustache", "page.css", "page.js" (the page's own scripts in the order in
/// which they run), "echarts.min.js" or "echarts-gl.min.js". Precondition: one of these.
std::string_view page_asset(std::string_view name);

}  // namespace flatenn
