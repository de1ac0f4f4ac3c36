#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/model/kv_cache.hpp>
#include <midtrain/model/stale_gradients.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/zero.hpp>
#include <midtrain/position/any_distance.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/problem/expert_shape.hpp>
#include <midtrain/problem/fp8_form.hpp>
#include <midtrain/problem/gemm.hpp>
#include <midtrain/problem/gradient_listener.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Memory handed out from the bottom and given back from the top. Without memory it only counts.
class arena {
  public:
    arena() = default;
    explicit arena(row_view<std::byte> memory) : memory_(memory) {}

    template <class T>
    T* take(index_t n) {
        index_t const bytes = (n * static_cast<index_t>(sizeof(T)) + 255) / 256 * 256, at = used_;
        used_ += bytes;
        peak_ = std::max(peak_, used_);
        if (!memory_.data) return nullptr;
        check(used_ <= memory_.size(), "the activations outgrew what the dry run counted: the batch is larger than the plan's");
        return reinterpret_cast<T*>(memory_.data + at);
    }
    index_t used() const { return used_; }
    index_t peak() const { return peak_; }
    void    release(index_t to) { used_ = to; }

  private:
    row_view<std::byte> memory_;
    index_t             used_ = 0, peak_ = 0;
};

/// What layers save in forward for backward: last in, first out, views and numbers only.
class tape {
  public:
    template <class V>
    void push(V const& v) {
        static_assert(std::is_trivially_copyable_v<V>);
        auto const at = bytes_.size();
        bytes_.resize(at + sizeof(V));
        std::memcpy(bytes_.data() + at, &v, sizeof(V));
    }
    template <class V>
    V pop() {
        std::array<std::byte, sizeof(V)> v;
        MT_EXPECT(bytes_.size() >= sizeof(V));
        std::memcpy(v.data(), bytes_.data() + bytes_.size() - sizeof(V), sizeof(V));
        bytes_.resize(bytes_.size() - sizeof(V));
        return std::bit_cast<V>(v);
    }
    bool empty() const { return bytes_.empty(); }

  private:
    std::vector<std::byte> bytes_;
};

/// train keeps what backward needs; recompute keeps only the input of each block; evaluate keeps nothing.
enum class pass_mode { train, recompute, evaluate };

/// A tensor that layers behind the one that made it see too: it stays until the pass ends, and in backward each of them adds to its
/// gradient.
template <class T, class Value = T const>
struct crossing {
    matrix_view<Value> value{};
    matrix_view<T>     gradient{};
};

/// What flows through the layers.
template <class Device, class Precision>
struct pass {
    using stored   = typename Precision::stored;
    using computed = typename Precision::computed;
    using master   = typename Precision::master;

    static constexpr bool has_fp8 = requires { Precision::products; };  ///< whether products may be of eight bits

    Device&                        device;
    parameter_layout const&        layout;
    pass_mode                      mode = pass_mode::train;
    row_view<stored const>         weights;    // (layout.size())
    row_view<computed>             gradients;  // (layout.size())
    stale_gradients*               stale = nullptr;  // of them; none: all may be added to
    row_view<master const>         masters{};  // (layout.size())
    token_batch                    batch{};
    double const*                  targets = nullptr;          // batch.target_count where the device reads it; none: there
    row_view<std::int32_t const>   by_token{}, by_position{};  // (tokens): sorted by them, for the embeddings' gradients
    matrix_view<computed const>    cosine{}, sine{};           // (positions, pairs that turn)
    matrix_view<computed const>    key_cosine{}, key_sine{};   // the same for keys; without rows: as queries
    matrix_view<computed const>    window_cosine{}, window_sine{};  // of layers with a window; without rows: as the others
    double                         score_factor = 1;           // of attention, beside 1 / sqrt(head size)
    any_distance                   distance{};                 // as queries see keys, in evaluation
    row_view<computed>             token_loss{};               // (tokens)
    double                         z_loss = 0;                 // weight of the z-loss
    index_t                        logits_bytes = 0;           // that a chunk of the head may take on the device
    row_view<double>               loads{};                    // (layout.load_size()): of routers, added to where gradients are
    balance_weights                balance{};                  // of the losses that keep experts busy alike
    double                         mtp_weight = 0;             // of the losses of multi-token prediction, all modules together
    row_view<double>               mtp_losses{};               // (2 depth): sum and count of each module's, added to where gradients are
    midtrain::arena                memory{};
    midtrain::tape                 saved{};
    bool                           saving = true;
    fp8_form                       products{};                 // of linear layers
    kv_cache<stored, computed>     cache{};                    // where tokens are generated
    crossing<stored>               first_embedding{};          // (tokens, width): for blocks that say they see it
    crossing<stored, stored>       shared_keys{};              // (lenders * tokens, keys and values of a token): model/key_exchange.hpp

    gradient_listener              finished{};                 // of the gradient that backward makes

    matrix_view<computed>          residuals{};                // ((layers + 1) * tokens, width): where somebody looks, in evaluation
    index_t                        residual_rows = 0;          // of them that are filled

    template <class T = stored>
    matrix_view<T> make(index_t rows, index_t columns) {
        return as_matrix(memory.take<T>(rows * columns), rows, columns);
    }
    matrix_view<stored> zeros(index_t rows, index_t columns) {
        auto const z = make(rows, columns);
        device.elements(z.size(), op::fill<stored>{z.flat(), 0});
        return z;
    }
    double const* target_count() const { return targets ? targets : &batch.target_count; }
    template <class T = computed>
    row_view<T> make_row(index_t n) {
        return {memory.take<T>(n), n};
    }
    matrix_view<stored const> weight(parameter w) const {
        return as_matrix(weights.data + layout[w].offset, w.rows, w.columns);
    }
    /// A weight as the optimizer keeps it: for the few that must not be rounded.
    matrix_view<master const> unrounded(parameter w) const {
        return as_matrix(masters.data + layout[w].offset, w.rows, w.columns);
    }
    /// Of a weight, to be added to.
    matrix_view<computed> gradient(parameter w) const {
        auto const g = gradient_memory(w);
        if (stale && stale->take(w)) run(device, zero_problem<computed>{g.flat()});
        return g;
    }
    /// dw (+)= dy^T x, the product that makes a matrix's gradient: it writes all of it, or adds if another did before.
    gemm_problem<stored, stored, computed> gradient_product(parameter w, matrix_view<stored const> dy, matrix_view<stored const> x) const {
        return {.a = dy, .a_is = operand::transposed, .b = x, .c = gradient_memory(w), .accumulate = !(stale && stale->take(w))};
    }
    router_load load(index_t router) const {
        auto const& r = layout.routers()[static_cast<std::size_t>(router)];
        return {loads.part(r.offset, router_load::size_of(r.experts))};
    }
    /// The residual stream, before the first block and after each.
    void show_residual(matrix_view<stored const> x) {
        if (!residuals.data) return;
        device.elements(x.size(), op::convert<stored, computed>{x.flat(), residuals.rows_part(residual_rows, x.rows).flat()});
        residual_rows += x.rows;
    }
    /// Backward has done with all that belongs to the buckets of the layout from this one on.
    void finish_from(index_t bucket) const {
        if (finished) finish_gradients(bucket), finished(layout.finished_from(bucket));
    }
    /// What nobody has written of the gradients of the buckets from this one on is zero.
    void finish_gradients(index_t bucket) const {
        if (stale) stale->end(layout, bucket, [&](index_t first, index_t n) { run(device, zero_problem<computed>{gradients.part(first, n)}); });
    }
    template <class V>
    void save(V const& v) {
        if (saving) saved.push(v);
    }
    template <class V>
    V take() {
        return saved.pop<V>();
    }

    matrix_view<computed> gradient_memory(parameter w) const { return as_matrix(gradients.data + layout[w].offset, w.rows, w.columns); }
};

/// Gives back what a pass's arena handed out within its life.
template <class Pass>
class scope {
  public:
    explicit scope(Pass& p) : pass_(p), mark_(p.memory.used()) {}
    ~scope() { pass_.memory.release(mark_); }
    scope(scope const&)            = delete;
    scope& operator=(scope const&) = delete;

  private:
    Pass&   pass_;
    index_t mark_;
};

}  // namespace midtrain::inline MT_ABI
