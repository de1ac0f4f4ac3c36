# cmake -DCOMPILER=g++ -DSOURCE=file.cpp -DINCLUDE=include -P refuse.cmake
cmake_minimum_required(VERSION 3.24)
file(STRINGS ${SOURCE} first LIMIT_COUNT 1)
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${SOURCE}: its first line is not \"// expect: <part of the sentence>\"")
endif()
string(REPLACE "\\;" ";" sentence "${CMAKE_MATCH_1}")  # file(STRINGS) escapes it
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -fmessage-length=0 -fno-diagnostics-show-caret
    -I ${INCLUDE} ${SOURCE} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(code EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles; it should be refused with: ${sentence}")
endif()
string(FIND "${said}" "${sentence}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${SOURCE} is refused, but not with: ${sentence}\n${said}")
endif()
