# Builds and runs the consumer, with midtrain installed (WAY=find_package, pkg_config), beside it (WAY=add_subdirectory) or
# fetched as an archive (WAY=fetch_content).
cmake_minimum_required(VERSION 3.24)
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

# What was found on this machine must not be written into the package.
function(check_paths folder)
  file(GLOB_RECURSE written ${folder}/*.cmake ${folder}/*.pc)
  foreach(file IN LISTS written)
    file(STRINGS ${file} lines)
    foreach(line IN LISTS lines)
      if(line MATCHES "(^|[\";= ])/(usr/(include|lib)|home|tmp|opt|root|work)" OR line MATCHES "${ROOT}/" OR line MATCHES "dnnl\\.so|libz\\.|libzstd\\.|libpcre2")
        message(FATAL_ERROR "${file} names a path of this machine: ${line}")
      endif()
    endforeach()
  endforeach()
endfunction()

if(WAY MATCHES "find_package|pkg_config")
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  # A prefix that was moved must serve as well as the one that was installed into.
  file(RENAME ${SCRATCH}/prefix ${SCRATCH}/moved)
  check_paths(${SCRATCH}/moved)
  set(where -DCMAKE_PREFIX_PATH=${SCRATCH}/moved)
elseif(WAY STREQUAL fetch_content)
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf ${SCRATCH}/midtrain.tar.gz CMakeLists.txt cmake include
    WORKING_DIRECTORY ${ROOT} COMMAND_ERROR_IS_FATAL ANY)
  set(where -DMIDTRAIN_ARCHIVE=${SCRATCH}/midtrain.tar.gz)
else()
  set(where -DMIDTRAIN_SOURCE=${ROOT})
endif()

if(WAY STREQUAL pkg_config)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${SCRATCH}/moved/share/pkgconfig
      sh -ec "${COMPILER} ${ROOT}/tests/package/consumer/main.cpp $(pkg-config --cflags --libs 'midtrain >= 0.1') -o program"
    WORKING_DIRECTORY ${SCRATCH} COMMAND_ERROR_IS_FATAL ANY)
  set(program ${SCRATCH}/program)
else()
  execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${ROOT}/tests/package/consumer -B ${SCRATCH}/build
      -DCMAKE_CXX_COMPILER=${COMPILER} ${where} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${SCRATCH}/build COMMAND_ERROR_IS_FATAL ANY)
  set(program ${SCRATCH}/build/program)
endif()
execute_process(COMMAND ${program} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT said STREQUAL "2000000000\n")
  message(FATAL_ERROR "the consumer printed: ${said}")
endif()
