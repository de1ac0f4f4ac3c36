#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <cudnn_frontend.h>
#include <midtrain/core/error.hpp>
#include <midtrain/exec/cuda/fused_attention.hpp>

// cuDNN's fused attention, through its header-only frontend. Any C++ compiler reads this; one unit of a program includes it, since the
// frontend takes half a minute to compile.
namespace midtrain::inline MT_ABI {

namespace detail {

/// Which tensor is which when a graph is run.
enum class cudnn_tensor : std::int64_t {
    query = 1, key, value, lengths, scale, qkv_offsets, output_offsets, log_sum_offsets, key_offsets, value_offsets,
    output, log_sum, output_gradient, query_gradient, key_gradient, value_gradient
};

/// Makes of an empty graph that of a form: softmax(scale * q k^T) v by head, causal from the top left of each document, or its gradient.
inline void make_attention(std::shared_ptr<cudnn_frontend::graph::Graph> const& graph, fused_attention_form const& f) {
    namespace fe      = cudnn_frontend;
    using attributes  = fe::graph::Tensor_attributes;
    using tensor      = std::shared_ptr<attributes>;
    auto const number = [](cudnn_tensor t) { return static_cast<std::int64_t>(t); };
    graph->set_io_data_type(fe::DataType_t::BFLOAT16);
    graph->set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);

    auto const column = [&](cudnn_tensor t, index_t n, fe::DataType_t type) {
        return graph->tensor(attributes().set_uid(number(t)).set_dim({n, 1, 1, 1}).set_stride({1, 1, 1, 1}).set_data_type(type));
    };
    auto const offsets = [&](cudnn_tensor t, bool wanted) { return wanted ? column(t, f.batch + 1, fe::DataType_t::INT64) : tensor{}; };
    // The log of the softmax's denominator lies by head and token of the batch: always by offsets, since backward wants it dense otherwise.
    tensor const of_qkv = offsets(cudnn_tensor::qkv_offsets, f.ragged), of_output = offsets(cudnn_tensor::output_offsets, f.ragged);
    tensor const of_log_sum = offsets(cudnn_tensor::log_sum_offsets, true);
    auto const   lay_out    = [&](tensor const& t, cudnn_tensor which, index_t heads, index_t size, index_t stride, tensor const& begin) {
        t->set_uid(number(which)).set_dim({f.batch, heads, f.length, size}).set_stride({f.length * stride, size, stride, 1});
        if (begin) t->set_ragged_offset(begin);
    };
    auto const input = [&](cudnn_tensor which, index_t heads, index_t size, index_t stride, tensor const& begin) {
        auto t = std::make_shared<attributes>();
        lay_out(t, which, heads, size, stride, begin);
        return graph->tensor(*t);
    };
    auto const as_log_sum = [&](tensor const& t) {
        t->set_uid(number(cudnn_tensor::log_sum)).set_dim({f.batch, f.heads, f.length, 1}).set_stride({f.length, f.log_sum_stride, 1, 1});
        t->set_data_type(fe::DataType_t::FLOAT).set_ragged_offset(of_log_sum);
    };
    auto const mask = [&](auto& options) {
        options.set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT).set_diagonal_band_right_bound(0);
        if (f.window > 0) options.set_diagonal_band_left_bound(static_cast<int>(f.window));  // itself and those before it, as ours
        options.set_attn_scale(column(cudnn_tensor::scale, 1, fe::DataType_t::FLOAT));
        if (!f.ragged) return;
        auto const lengths = column(cudnn_tensor::lengths, f.batch, fe::DataType_t::INT32);
        options.set_padding_mask(true).set_seq_len_q(lengths).set_seq_len_kv(lengths);
    };

    tensor const q = input(cudnn_tensor::query, f.heads, f.head_size, f.qkv_stride, of_qkv);
    tensor const k = input(cudnn_tensor::key, f.kv_heads, f.head_size, f.qkv_stride, of_qkv);
    tensor const v = input(cudnn_tensor::value, f.kv_heads, f.value_size, f.qkv_stride, of_qkv);
    if (!f.backward) {
        auto options = fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(true);
        mask(options);
        auto [output, log_sum] = graph->sdpa(q, k, v, options);
        lay_out(output, cudnn_tensor::output, f.heads, f.value_size, f.output_stride, of_output);
        as_log_sum(log_sum);
        output->set_output(true), log_sum->set_output(true);
        return;
    }
    tensor const output = input(cudnn_tensor::output, f.heads, f.value_size, f.output_stride, of_output);
    tensor const slope  = input(cudnn_tensor::output_gradient, f.heads, f.value_size, f.output_stride, of_output);
    auto         known  = std::make_shared<attributes>();
    as_log_sum(known);
    auto options = fe::graph::SDPA_backward_attributes().set_name("attention_gradient").set_deterministic_algorithm(f.repeatable);
    mask(options);
    if (f.ragged) options.set_max_total_seq_len_q(f.tokens).set_max_total_seq_len_kv(f.tokens);
    auto [dq, dk, dv]      = graph->sdpa_backward(q, k, v, output, slope, graph->tensor(*known), options);
    bool const own_offsets = f.ragged && f.apart;
    lay_out(dq, cudnn_tensor::query_gradient, f.heads, f.head_size, f.qkv_stride, of_qkv);
    lay_out(dk, cudnn_tensor::key_gradient, f.kv_heads, f.head_size, f.apart ? f.kv_heads * f.head_size : f.qkv_stride,
            own_offsets ? offsets(cudnn_tensor::key_offsets, true) : of_qkv);
    lay_out(dv, cudnn_tensor::value_gradient, f.kv_heads, f.value_size, f.apart ? f.kv_heads * f.value_size : f.qkv_stride,
            own_offsets ? offsets(cudnn_tensor::value_offsets, true) : of_qkv);
    dq->set_output(true), dk->set_output(true), dv->set_output(true);
}

}  // namespace detail

/// cuDNN on one stream. Graphs are built once a form, which takes a second, and kept; running one allocates and awaits nothing on the GPU.
class cudnn_attention final : public fused_attention {
  public:
    explicit cudnn_attention(void* stream) {
        succeed(cudnnCreate(&handle_), "cudnnCreate");
        succeed(cudnnSetStream(handle_, static_cast<cudaStream_t>(stream)), "cudnnSetStream");
    }
    ~cudnn_attention() override { cudnnDestroy(handle_); }
    cudnn_attention(cudnn_attention const&)            = delete;
    cudnn_attention& operator=(cudnn_attention const&) = delete;

    found const& find(fused_attention_form const& f) override { return plan_of(f).is; }

    void run(fused_attention_form const& f, fused_attention_memory const& m) override {
        auto const& p = plan_of(f);
        check(p.is.refused.empty(), [&] { return "cuDNN has no attention of that form: " + p.is.refused; });
        using detail::cudnn_tensor;
        std::unordered_map<std::int64_t, void*> at;
        auto const put = [&](cudnn_tensor t, void const* to) { at.emplace(static_cast<std::int64_t>(t), const_cast<void*>(to)); };
        put(cudnn_tensor::query, m.query), put(cudnn_tensor::key, m.key), put(cudnn_tensor::value, m.value);
        put(cudnn_tensor::scale, m.scale), put(cudnn_tensor::log_sum_offsets, m.log_sum_offsets);
        put(cudnn_tensor::output, m.output), put(cudnn_tensor::log_sum, m.log_sum);
        if (f.ragged) {
            put(cudnn_tensor::lengths, m.lengths), put(cudnn_tensor::qkv_offsets, m.qkv_offsets);
            put(cudnn_tensor::output_offsets, m.output_offsets);
        }
        if (f.backward) {
            put(cudnn_tensor::output_gradient, m.output_gradient), put(cudnn_tensor::query_gradient, m.query_gradient);
            put(cudnn_tensor::key_gradient, m.key_gradient), put(cudnn_tensor::value_gradient, m.value_gradient);
        }
        if (f.backward && f.ragged && f.apart)
            put(cudnn_tensor::key_offsets, m.key_offsets), put(cudnn_tensor::value_offsets, m.value_offsets);
        auto       status = p.graph->execute(handle_, at, m.workspace);
        check(status.is_good(), [&] { return "cuDNN's attention: " + status.get_message(); });
    }

  private:
    struct plan {
        std::shared_ptr<cudnn_frontend::graph::Graph> graph;
        found                                         is;
    };
    static void succeed(cudnnStatus_t status, char const* call) {
        check(status == CUDNN_STATUS_SUCCESS, [&] { return std::string(call) + ": " + cudnnGetErrorString(status); });
    }
    plan const& plan_of(fused_attention_form const& f) {
        if (auto const known = plans_.find(f); known != plans_.end()) return known->second;
        plan p{};
        try {
            p.graph = std::make_shared<cudnn_frontend::graph::Graph>();
            detail::make_attention(p.graph, f);
            auto         status = p.graph->build(handle_, {cudnn_frontend::HeurMode_t::A});
            std::int64_t bytes  = 0;
            if (status.is_good()) status = p.graph->get_workspace_size(bytes);
            if (status.is_bad()) p.is.refused = first_line(status.get_message());
            p.is.workspace = bytes;
        } catch (std::exception const& e) {
            p.is.refused = e.what();
        }
        if (!p.is.refused.empty()) p.graph = nullptr;
        return plans_.emplace(f, std::move(p)).first->second;
    }
    static std::string first_line(std::string const& all) {
        auto const line = all.substr(0, all.find('\n'));
        return line.empty() ? "no reason given" : line;
    }

    cudnnHandle_t                        handle_ = nullptr;
    std::map<fused_attention_form, plan> plans_;
};

[[gnu::used]] inline std::unique_ptr<fused_attention> make_fused_attention(void* stream) {
    return std::make_unique<cudnn_attention>(stream);
}

}  // namespace midtrain::inline MT_ABI
