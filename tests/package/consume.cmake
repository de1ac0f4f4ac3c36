# Builds and runs the consumer, with midtrain installed (WAY=find_package) or beside it (WAY=add_subdirectory).
cmake_minimum_required(VERSION 3.24)
file(REMOVE_RECURSE ${SCRATCH})
if(WAY STREQUAL find_package)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  # A prefix that was moved must serve as well as the one that was installed into.
  file(RENAME ${SCRATCH}/prefix ${SCRATCH}/moved)
  set(where -DCMAKE_PREFIX_PATH=${SCRATCH}/moved)
else()
  set(where -DMIDTRAIN_SOURCE=${ROOT})
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${ROOT}/tests/package/consumer -B ${SCRATCH}/build
    -DCMAKE_CXX_COMPILER=${COMPILER} ${where} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${SCRATCH}/build COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SCRATCH}/build/program OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT said STREQUAL "2000000000\n")
  message(FATAL_ERROR "the consumer printed: ${said}")
endif()
