# Everything we stand on, found once. docs/dependencies.md says why each is here.
include_guard()

find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_package(Torch REQUIRED)

# Libraries that Debian ships without a CMake package. Only sources of ours use them, so what an
# installed FlatENN asks of its user is the library's name at link time.
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
add_library(flatenn_random123 INTERFACE)
target_include_directories(flatenn_random123 SYSTEM INTERFACE $<BUILD_INTERFACE:${RANDOM123_INCLUDE}>)
add_library(flatenn::random123 ALIAS flatenn_random123)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(flatenn_xxhash INTERFACE)
target_include_directories(flatenn_xxhash SYSTEM INTERFACE $<BUILD_INTERFACE:${XXHASH_INCLUDE}>)
target_link_libraries(flatenn_xxhash INTERFACE $<BUILD_INTERFACE:${XXHASH_LIBRARY}>
                                               $<INSTALL_INTERFACE:xxhash>)
add_library(flatenn::xxhash ALIAS flatenn_xxhash)
find_path(MUSTACHE_INCLUDE kainjow/mustache.hpp REQUIRED)
add_library(flatenn_mustache INTERFACE)
target_include_directories(flatenn_mustache SYSTEM INTERFACE $<BUILD_INTERFACE:${MUSTACHE_INCLUDE}>)
add_library(flatenn::mustache ALIAS flatenn_mustache)

# libtorch, its flags kept off the layers that do not use it.
add_library(flatenn_libtorch INTERFACE)
target_link_libraries(flatenn_libtorch INTERFACE ${TORCH_LIBRARIES})
add_library(flatenn::libtorch ALIAS flatenn_libtorch)

if(FLATENN_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  # Debian's own, before any other on the path: its packages (torch) are for that one.
  find_program(FLATENN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
  include(GoogleTest)
  enable_testing()
endif()
if(FLATENN_BENCH)
  find_package(benchmark REQUIRED)
endif()
