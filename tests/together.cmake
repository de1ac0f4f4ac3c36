# One unit made of several: what the headers' templates become is compiled once for all of them.
#   cmake -DSOURCES="a.cpp;b.cpp" -DOUTPUT=unit.cpp -P together.cmake
# Every header comes first, so that each source, read again within a namespace of its own, finds them read.
cmake_minimum_required(VERSION 3.24)
set(includes "")
set(bodies "")
foreach(source IN LISTS SOURCES)
  file(STRINGS ${source} lines REGEX "^#include <")
  list(APPEND includes ${lines})
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder STEM folder)
  cmake_path(GET source STEM name)
  string(APPEND bodies "namespace unit_${folder}_${name} {\n#include \"${source}\"\n}\n")
endforeach()
list(REMOVE_DUPLICATES includes)
list(JOIN includes "\n" includes)
# Types of an anonymous namespace are still this unit's alone.
file(WRITE ${OUTPUT} "#pragma GCC diagnostic ignored \"-Wsubobject-linkage\"\n${includes}\n${bodies}")
