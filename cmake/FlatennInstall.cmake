# cmake --install: the program, the layers as static libraries, their headers, and a CMake package:
# find_package(flatenn) gives flatenn::flatenn (everything) and flatenn::<layer>.
include_guard()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flatenn)
foreach(target ${FLATENN_LAYERS} flatenn_random123 flatenn_xxhash flatenn_mustache flatenn_libtorch)
  string(REPLACE flatenn_ "" export_name ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${target} EXPORT flatennTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
set_target_properties(flatenn_all PROPERTIES EXPORT_NAME flatenn)
install(TARGETS flatenn_all EXPORT flatennTargets)

install(DIRECTORY flatenn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
        PATTERN "*testing.h" EXCLUDE)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/flatenn)
install(EXPORT flatennTargets NAMESPACE flatenn:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/flatennConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/flatennConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/flatennConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/flatennConfig.cmake ${CMAKE_BINARY_DIR}/flatennConfigVersion.cmake
        DESTINATION ${package_dir})
