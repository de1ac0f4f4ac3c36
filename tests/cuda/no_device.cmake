# Runs PROGRAM, which may have arguments, where it can see no GPU: it ends with 2 and one sentence. cmake -DPROGRAM=... -P no_device.cmake
cmake_minimum_required(VERSION 3.24)
set(ENV{CUDA_VISIBLE_DEVICES} -1)
separate_arguments(PROGRAM UNIX_COMMAND "${PROGRAM}")
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE why)
if(NOT code EQUAL 2 OR NOT said STREQUAL "" OR NOT why MATCHES "^no CUDA device: [^\n]+\n$")
  message(FATAL_ERROR "expected status 2 and one line \"no CUDA device: ...\"; it ended with ${code} and\n${said}${why}")
endif()
