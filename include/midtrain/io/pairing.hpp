#pragma once
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::io {

/// Which values of a head turn together: i and i + width / 2 (transformers, GPT-NeoX, and midtrain), or the neighbours 2 i and 2 i + 1
/// (Su et al. 2021, Meta's weights, GGUF's llamas). The same model, with the rows that make queries and keys in another order.
enum class pairing { half_split, interleaved };

/// Where row r of one pairing stands in the other, for heads of `size` rows of which the first `width` turn.
constexpr std::int64_t half_split_row(std::int64_t interleaved, std::int64_t size, std::int64_t width) {
    auto const head = interleaved / size, i = interleaved % size;
    return i < width ? head * size + i % 2 * (width / 2) + i / 2 : interleaved;
}
constexpr std::int64_t interleaved_row(std::int64_t half_split, std::int64_t size, std::int64_t width) {
    auto const head = half_split / size, i = half_split % size;
    return i < width ? head * size + i % (width / 2) * 2 + i / (width / 2) : half_split;
}

/// A source of weights whose queries and keys are paired as `from` says, as a source with ours: rows of q_proj and k_proj, their biases and
/// the norms of heads come in our order. Names are transformers'. The source must live as long.
template <class Source>
class paired_rows {
  public:
    paired_rows(Source const& source, pairing from, index_t head_size, index_t rotary_width)
        : source_(&source), from_(from), size_(head_size), width_(rotary_width) {
        check(head_size > 0 && rotary_width > 0 && rotary_width % 2 == 0 && rotary_width <= head_size,
              "paired_rows: an even number of a head's values turns, at most all");
    }

    void operator()(std::string const& name, index_t rows, index_t columns, std::span<float> to) const {
        (*source_)(name, rows, columns, to);
        if (from_ == pairing::half_split || !turns(name)) return;
        check(rows % size_ == 0, [&] { return "'" + name + "' has " + std::to_string(rows) + " rows, which are no heads of " + std::to_string(size_); });
        std::vector<float> const theirs(to.begin(), to.end());
        for (index_t r = 0; r < rows; ++r)
            std::copy_n(theirs.begin() + interleaved_row(r, size_, width_) * columns, columns, to.begin() + r * columns);
    }

  private:
    static bool turns(std::string_view name) {
        for (std::string_view const part : {".q_proj.", ".k_proj.", ".q_norm.", ".k_norm."})
            if (name.find(part) != name.npos) return true;
        return false;
    }

    Source const* source_;
    pairing       from_;
    index_t       size_, width_;
};

}  // namespace midtrain::inline MT_ABI::io
