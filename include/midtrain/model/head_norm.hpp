#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/head_norm.hpp>
#include <midtrain/problem/block_form.hpp>

namespace midtrain::inline MT_ABI::model {

/// A root-mean-square norm over the width of each query's and each key's head, or over all queries and all keys of a token, or nothing. Without
/// kv_heads keys are another layer's and stay as they are.
class head_norm {
  public:
    head_norm() = default;
    /// `of`: the heads, all of one size.
    head_norm(parameter_layout& layout, index_t bucket, std::string const& name, op::head_rows of, double epsilon,
              norm_over over = norm_over::head, norm_when when = norm_when::before_turning)
        : of_(over == norm_over::head ? of : op::head_rows{1, of.kv_heads > 0 ? 1 : 0, of.heads * of.size, of.kv_heads * of.size}), when_(when), epsilon_(epsilon) {
        bool const late = when == norm_when::after_turning;  // the names that Hunyuan gives them
        auto const gain = [&](char const* which, index_t size) {
            return layout.add(
                {.name = name + which + ".weight", .rows = size, .columns = 1, .role = role::norm, .begins = {1, 0}, .parts = {}}, bucket);
        };
        query_ = gain(late ? "query_layernorm" : "q_norm", of_.size_of(0));
        if (of_.kv_heads > 0) key_ = gain(late ? "key_layernorm" : "k_norm", of_.size_of(of_.heads));
    }

    /// In place on the rows of queries, keys and values, if this is the time for it. Of queries and keys there may be several forms.
    template <class Pass>
    void forward(Pass& p, matrix_view<typename Pass::stored> qkv, norm_when now, index_t forms = 1, index_t key_forms = 1) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (query_.index < 0 || now != when_) return;
        op::head_rows const of{of_.heads * forms, of_.kv_heads * key_forms, of_.size, of_.key_size};
        auto const raw   = p.make(qkv.rows, of.width());
        auto const scale = p.template make<C>(qkv.rows, of.count());
        p.device.rows(scale.size(),
                      op::head_norm_forward<T>{qkv, raw, p.weight(query_).flat(), key_gain(p), scale, of, C(epsilon_)});
        p.save(matrix_view<T const>(raw));
        p.save(matrix_view<C const>(scale));
    }
    /// In place on their gradients.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d, norm_when now) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (query_.index < 0 || now != when_) return;
        auto const scale = p.template take<matrix_view<C const>>();
        auto const raw   = p.template take<matrix_view<T const>>();
        auto const gain  = [&](parameter g, index_t first, index_t count) {
            scope const within(p);
            op::add_column_sums(p.device, op::head_norm_gain_sums<T>{matrix_view<T const>(d), raw, scale, of_, first, count},
                                p.template make<C>(op::row_parts(d.rows * count), of_.size_of(first)), p.gradient(g).flat());
        };
        gain(query_, 0, of_.heads);
        if (key_.index >= 0) gain(key_, of_.heads, of_.kv_heads);
        p.device.rows(scale.size(), op::head_norm_backward<T>{d, raw, p.weight(query_).flat(), key_gain(p), scale, of_});
    }

  private:
    template <class Pass>
    row_view<typename Pass::stored const> key_gain(Pass const& p) const {
        return key_.index < 0 ? row_view<typename Pass::stored const>{} : p.weight(key_).flat();
    }

    parameter     query_, key_;
    op::head_rows of_{};
    norm_when     when_    = norm_when::before_turning;
    double        epsilon_ = 1e-6;
};

}  // namespace midtrain::inline MT_ABI::model
