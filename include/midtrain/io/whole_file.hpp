#pragma once
#include <span>
#include <string>
#include <string_view>
#include <midtrain/io/file_writer.hpp>

namespace midtrain::inline MT_ABI::io {

/// Writes a file that is whole or as it was before.
inline void write_whole(std::string const& path, std::string_view text) {
    file_writer file(path);
    file.write(std::as_bytes(std::span(text)));
    file.finish();
}

}  // namespace midtrain::inline MT_ABI::io
