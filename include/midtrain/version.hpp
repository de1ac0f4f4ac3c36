#pragma once
// Three numbers; CMake reads them from here.
#define MT_VERSION_MAJOR 0
#define MT_VERSION_MINOR 1
#define MT_VERSION_PATCH 0
