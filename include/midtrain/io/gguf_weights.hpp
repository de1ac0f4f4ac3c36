#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_names.hpp>
#include <midtrain/io/tensor_shape.hpp>

namespace midtrain::inline MT_ABI::io {

/// The tensors of a .gguf file under Hugging Face's names and in its layout: a llama's q and k turned back, a gpt2's matrices stored
/// (inputs, outputs). The file must outlive it.
class gguf_weights {
  public:
    explicit gguf_weights(gguf const& file) : file_(&file), architecture_(file.get<std::string_view>("general.architecture")) {
        require(gguf_knows(architecture_), "its architecture is '" + architecture_ + "'; known are llama, qwen2, qwen3 and gpt2");
        if (architecture_ != "llama") return;
        heads_    = number("llama.attention.head_count");
        kv_heads_ = file.find("llama.attention.head_count_kv") ? number("llama.attention.head_count_kv") : heads_;
    }

    /// Names and shapes; a tensor whose name is not known bears the one it has. Tables for rotation are not weights and are left out.
    std::map<std::string, std::vector<std::int64_t>> shapes() const {
        std::map<std::string, std::vector<std::int64_t>> all;
        for (auto const& [name, t] : file_->tensors()) {
            if (name.starts_with("rope_freqs") || name.starts_with("rope_factors")) continue;
            auto const known = hf_name(name, architecture_);
            auto       shape = t.shape;
            if (is_turned_over(known)) shape = {shape.rbegin(), shape.rend()};
            all.emplace(known.empty() ? name : known, std::move(shape));
        }
        return all;
    }

    /// Copies the tensor of that name as rows x columns floats.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        auto const own = gguf_name(name, architecture_);
        require(!own.empty(), "a " + architecture_ + " in GGUF has no tensor for '" + std::string(name) + "'");
        if (is_turned_over(name)) return turned_over(own, rows, columns, to);
        bool const  q = own.ends_with(".attn_q.weight"), k = own.ends_with(".attn_k.weight");
        bool const  biases = own.ends_with(".attn_q.bias") || own.ends_with(".attn_k.bias");
        if (architecture_ != "llama" || !(q || k)) {
            require(architecture_ != "llama" || !biases, "a llama with biases on q and k is not known");
            return (*file_)(own, rows, columns, to);
        }
        index_t const heads = q ? heads_ : kv_heads_, size = rows / heads;
        require(size > 0 && size % 2 == 0 && rows == heads * size,
                std::to_string(rows) + " rows of '" + own + "' do not make " + std::to_string(heads) + " even heads");
        file_->rows_in_order(own, rows, columns, to, [&](index_t r) { return gguf_row_of(r, size); });
    }

  private:
    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return file_->path() + ": " + what; });
    }
    int number(std::string const& key) const {
        auto const n = file_->get<std::int64_t>(key);
        require(n > 0 && n <= std::numeric_limits<int>::max(), "metadata '" + key + "' is " + std::to_string(n));
        return static_cast<int>(n);
    }
    // GPT-2's Conv1D keeps (inputs, outputs) where GGUF has (outputs, inputs).
    bool is_turned_over(std::string_view hf) const {
        return architecture_ == "gpt2" && hf.find(".c_") != hf.npos && hf.ends_with(".weight");
    }
    void turned_over(std::string const& own, index_t rows, index_t columns, std::span<float> to) const {
        require(std::ssize(to) == rows * columns, "tensor '" + own + "' is read into another number of values");
        std::vector<float> other(to.size());
        (*file_)(own, columns, rows, other);
        for (index_t r = 0; r < rows; ++r)
            for (index_t c = 0; c < columns; ++c)
                to[static_cast<std::size_t>(r * columns + c)] = other[static_cast<std::size_t>(c * rows + r)];
    }

    gguf const* file_;
    std::string architecture_;
    int         heads_ = 0, kv_heads_ = 0;
};

}  // namespace midtrain::inline MT_ABI::io
