#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// What users hand us and we cannot use: one clear sentence with the file, offset or field. Programs exit with 2.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws midtrain::error with the sentence unless the condition holds.
inline void check(bool condition, std::string_view sentence) {
    if (!condition) throw error(std::string(sentence));
}

/// The same for a sentence that costs something to write: `check(ok, [&] { return "..." + name; })`.
template <class Sentence>
    requires requires(Sentence s) { std::string(s()); }
void check(bool condition, Sentence&& sentence) {
    if (!condition) throw error(std::string(sentence()));
}

}  // namespace midtrain::inline MT_ABI
