# Compiler settings that hold for every target.
include_guard()

# Integer semantics are the definition: a * b + c must round twice on every processor.
add_compile_options(-ffp-contract=off -Wall -Wextra)
# Programs too, though -fPIE would do: else they could not use the precompiled header of the libraries.
add_compile_options(-fPIC)
if(FLATENN_WERROR)
  add_compile_options(-Werror)
endif()
if(FLATENN_SANITIZE)
  add_compile_options(-fsanitize=${FLATENN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FLATENN_SANITIZE})
  if(FLATENN_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # The sloppiness lets ccache hit in units that use the precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
  add_compile_options(-fpch-preprocess)
endif()
