# What the HTML report is made of, put into the report layer: the chart libraries that
# web/package-lock.json pins, fetched by npm into the build folder once, and the files of web/.
include_guard()

find_program(NPM_PROGRAM npm REQUIRED)
set(web ${PROJECT_SOURCE_DIR}/web)
set(web_build ${CMAKE_BINARY_DIR}/web)
set(echarts ${web_build}/node_modules/echarts/dist/echarts.min.js)
set(echarts_gl ${web_build}/node_modules/echarts-gl/dist/echarts-gl.min.js)
set(web_lock package.json package-lock.json .npmrc)
list(TRANSFORM web_lock PREPEND ${web}/ OUTPUT_VARIABLE web_lock_files)

# The tests drive a browser through a package of the same lock.
set(npm_options --no-progress --loglevel=error)
if(NOT FLATENN_TESTS)
  list(APPEND npm_options --omit=dev)
endif()
add_custom_command(
  OUTPUT ${web_build}/installed ${echarts} ${echarts_gl}
  COMMAND ${CMAKE_COMMAND} -E copy ${web_lock_files} ${web_build}
  COMMAND ${NPM_PROGRAM} ci ${npm_options}
  COMMAND ${CMAKE_COMMAND} -E touch ${web_build}/installed ${echarts} ${echarts_gl}
  DEPENDS ${web_lock_files}
  WORKING_DIRECTORY ${web_build}
  COMMENT "Fetching the chart libraries that web/package-lock.json names"
  VERBATIM)
file(MAKE_DIRECTORY ${web_build})

# One script: each file in the order of this list, which is the order of their use of each other.
set(web_scripts data theme facets lines scatter bars heatmap surface table figure page)
list(TRANSFORM web_scripts PREPEND ${web}/js/)
list(TRANSFORM web_scripts APPEND .js)
set(page_js ${web_build}/page.js)
add_custom_command(
  OUTPUT ${page_js}
  COMMAND ${CMAKE_COMMAND} -E cat ${web_scripts} > ${page_js}
  DEPENDS ${web_scripts}
  COMMENT "Joining the scripts of the page"
  VERBATIM)

# page_asset(): the bytes of each file, taken in by the assembler.
set(page_assets ${web}/page.mustache ${web}/page.css ${page_js} ${echarts} ${echarts_gl})
set(assets_cpp ${web_build}/page_assets.cpp)
set(symbols "")
set(entries "")
set(index 0)
foreach(file ${page_assets})
  get_filename_component(name ${file} NAME)
  string(APPEND symbols "FLATENN_ASSET(flatenn_asset_${index}, \"${file}\")\n")
  string(APPEND entries "    {\"${name}\", {flatenn_asset_${index}, flatenn_asset_${index}_end}},\n")
  math(EXPR index "${index} + 1")
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/page_assets.cpp.in ${assets_cpp} @ONLY)
set_source_files_properties(${assets_cpp} PROPERTIES
  OBJECT_DEPENDS "${page_assets};${web_build}/installed")
target_sources(flatenn_report PRIVATE ${assets_cpp})
target_compile_definitions(flatenn_report PRIVATE FLATENN_VERSION="${PROJECT_VERSION}")
