#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/attention_sink.hpp>

namespace midtrain::inline MT_ABI::model {

/// A learned logit of each head beside its scores, as in gpt-oss, or none.
class attention_sink {
  public:
    attention_sink() = default;
    attention_sink(parameter_layout& layout, index_t bucket, std::string name, index_t heads, double deviation)
        : logit_(layout.add({.name = name, .rows = heads, .columns = 1, .role = role::bias, .begins = {0, deviation}, .parts = {}}, bucket)) {}

    /// The logits, or nothing.
    template <class Pass>
    row_view<typename Pass::stored const> logits(Pass const& p) const {
        return logit_.index < 0 ? row_view<typename Pass::stored const>{} : p.weight(logit_).flat();
    }
    /// Makes of attention's result that with a sink.
    template <class Pass, class Problem>
    void forward(Pass& p, Problem const& a) const {
        using T = typename Pass::stored;
        if (logit_.index >= 0) p.device.rows(a.output.rows, op::attention_sink_forward<T>{logits(p), a.output, a.log_sum, a.values()});
    }
    /// The logits' gradient, from attention's result and the gradient of that.
    template <class Pass, class Problem>
    void backward(Pass& p, Problem const& a, matrix_view<typename Pass::stored const> d) const {
        using T = typename Pass::stored;
        if (logit_.index < 0) return;
        p.device.rows(logit_.rows, op::attention_sink_backward<T>{logits(p), a.output, d, a.log_sum, p.gradient(logit_).flat(), a.values()});
    }

  private:
    parameter logit_;
};

}  // namespace midtrain::inline MT_ABI::model
