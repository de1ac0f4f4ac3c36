#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/attention_ways.cuh>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/cuda/op/document_table.hpp>
#include <midtrain/op/tiled_attention.hpp>
#include <midtrain/op/tiled_attention_backward.hpp>
#include <midtrain/problem/attention.hpp>

// Attention of a GPU: cuDNN's where it has the form, else by tiles. Which it is does not change from step to step, and neither allocates
// once its form is known, so a graph may hold it.
namespace midtrain::inline MT_ABI {

namespace detail {

/// A form for cuDNN, or why it cannot have one. Documents lie side by side there, so their number must be known, and not so large that
/// empty ones cost more than attention: the bound is a judgement, not yet measured.
inline std::string fused_form(attention_size const& p, bool repeatable, fused_attention_form& f) {
    constexpr index_t most_documents = 16;  // of a sequence, in the mean
    if (p.value_bytes != sizeof(bf16)) return "not in bfloat16";
    if (p.modified) return "score modifiers";
    if (p.far) return "distances";
    if (p.documents <= 0) return "how many documents there are is not known";
    if (p.documents > most_documents * p.sequences) return "very many documents";
    bool const whole = p.documents == p.sequences;
    f = {.batch = p.documents, .heads = p.heads, .kv_heads = p.kv_heads, .length = p.length, .head_size = p.head_size,
         .value_size = p.value_size, .qkv_stride = p.qkv_stride, .output_stride = p.output_stride, .log_sum_stride = p.log_sum_stride,
         .tokens = p.sequences * p.length, .window = p.window < p.length ? p.window : 0, .ragged = !whole, .backward = p.backward,
         .repeatable = repeatable, .apart = p.backward && !whole && p.group() > 1};
    return {};
}

/// Rows of a dense matrix into columns of a wider one. One row a team.
template <class T>
struct place_columns {
    matrix_view<T const>     from;
    matrix_view<T>           to;
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const in  = from.row(r).data;
        auto const out = to.row(r).data;
        team.each(from.columns, [=](index_t i) { out[i] = in[i]; });
    }
};

/// What a call of cuDNN has beside the problem's tensors.
struct fused_parts {
    matrix_view<std::int32_t> counts, first, total, lengths;
    matrix_view<std::int64_t> offsets;
    matrix_view<float>        scale;
    matrix_view<bf16>         key_gradient, value_gradient;
    matrix_view<std::byte>    workspace;

    fused_parts(op::workspace_parts& w, fused_attention_form const& f, index_t bytes) {
        index_t const chunks = (f.tokens + op::document_chunk - 1) / op::document_chunk;
        counts  = w.take<std::int32_t>(1, chunks);
        first   = w.take<std::int32_t>(1, f.batch);
        total   = w.take<std::int32_t>(1, 1);
        lengths = w.take<std::int32_t>(1, f.batch);
        offsets = w.take<std::int64_t>(op::write_documents::most_tensors, f.batch + 1);
        scale   = w.take<float>(1, 1);
        key_gradient   = w.take<bf16>(f.apart ? f.tokens : 0, f.kv_heads * f.head_size);
        value_gradient = w.take<bf16>(f.apart ? f.tokens : 0, f.kv_heads * f.value_size);
        workspace      = w.take<std::byte>(1, bytes);
    }
};

/// The table of documents, and a call for each part of the heads.
inline void run_fused(cuda& device, attention_problem<bf16> const& p, attention_ways::choice const& c,
                      attention_gradient_problem<bf16> const* gradient) {
    auto&               ways = device.attention();
    auto const&         f    = c.each;
    op::workspace_parts count;
    fused_parts(count, f, c.bytes);
    op::workspace_parts memory(ways.workspace(count.used()).data);
    fused_parts const   part(memory, f, c.bytes);
    auto const          row = [](auto m) { return m.flat(); };

    op::document_beginnings const of{p.document_begin, p.length};
    device.rows(of.chunks(), op::count_documents{of, row(part.counts)});
    device.rows(of.chunks(), op::place_documents{of, row(part.counts), row(part.first), row(part.total)});
    device.elements(f.batch + 1, op::write_documents{
                                     .first = row(part.first), .total = row(part.total), .tokens = f.tokens, .lengths = row(part.lengths),
                                     .offsets = part.offsets,
                                     .strides = {f.qkv_stride, f.output_stride, 1, f.kv_heads * f.head_size, f.kv_heads * f.value_size},
                                     .score_scale = p.scale, .scale = row(part.scale)});
    for (index_t call = 0; call < c.calls; ++call) {
        index_t const kv = call * f.kv_heads, head = call * f.heads;
        fused_attention_memory m{
            .query = p.qkv.data + p.query_column(head), .key = p.qkv.data + p.key_column(kv), .value = p.qkv.data + p.value_column(kv),
            .lengths = part.lengths.data, .scale = part.scale.data, .qkv_offsets = &part.offsets(0, 0),
            .output_offsets = &part.offsets(1, 0), .log_sum_offsets = &part.offsets(2, 0), .key_offsets = &part.offsets(3, 0),
            .value_offsets = &part.offsets(4, 0), .output = p.output.data + p.output_column(head), .log_sum = p.log_sum.row(head).data,
            .workspace = part.workspace.data};
        if (!gradient) {
            ways.fused()->run(f, m);
            continue;
        }
        auto const& d = gradient->qkv_gradient;
        auto const  dk = d.columns_part(p.key_column(kv), f.kv_heads * f.head_size);
        auto const  dv = d.columns_part(p.value_column(kv), f.kv_heads * f.value_size);
        m.output_gradient = gradient->output_gradient.data + p.output_column(head);
        m.query_gradient  = d.data + p.query_column(head);
        m.key_gradient    = f.apart ? part.key_gradient.data : dk.data;
        m.value_gradient  = f.apart ? part.value_gradient.data : dv.data;
        ways.fused()->run(f, m);
        if (!f.apart) continue;
        device.rows(f.tokens, place_columns<bf16>{part.key_gradient, dk});
        device.rows(f.tokens, place_columns<bf16>{part.value_gradient, dv});
    }
}

/// The way of a problem, or in `refused` why it goes by tiles.
inline attention_ways::choice way_of(cuda& device, attention_size const& p) {
    fused_attention_form   f{};
    attention_ways::choice tiles;
    tiles.refused = fused_form(p, device.attention().repeatable, f);
    return tiles.refused.empty() ? device.attention().choose(f) : tiles;
}

inline index_t workspace_of(attention_ways::choice const& way, attention_size const& p) {
    if (way.calls == 0) return op::tiled_bytes(p);
    op::workspace_parts count;
    fused_parts(count, way.each, way.bytes);
    return count.used();
}

template <class Problem, class Forward>
void attend(cuda& device, Problem const& p, Forward const& f) {
    auto const size = size_of(p);
    auto const way  = way_of(device, size);
    if constexpr (std::is_same_v<Forward, attention_problem<bf16>>) {
        if (way.calls > 0) {
            if constexpr (std::is_same_v<Problem, Forward>) return run_fused(device, f, way, nullptr);
            else return run_fused(device, f, way, &p);
        }
    }
    op::tiled(device, p, device.attention().workspace(workspace_of(way, size)));
}

}  // namespace detail

template <class T, class Modifier, class Distance>
bool tuned(cuda& device, attention_problem<T, Modifier, Distance> const& p) {
    detail::attend(device, p, p);
    return true;
}
template <class T, class Modifier>
bool tuned(cuda& device, attention_gradient_problem<T, Modifier> const& g) {
    detail::attend(device, g, g.forward);
    return true;
}

/// How attention of that size is done, "cuDNN", "cuDNN by 2 parts of the heads", or "tiled" and why, and the workspace of the call. Finding
/// out builds cuDNN's graph.
inline attention_plan plan_of(cuda& device, attention_size const& p) {
    auto const way = detail::way_of(device, p);
    return {way.calls == 0   ? "tiled (" + way.refused + ")"
            : way.calls == 1 ? "cuDNN"
                             : "cuDNN by " + std::to_string(way.calls) + " parts of the heads",
            detail::workspace_of(way, p)};
}
/// The same of all sizes of a step: each way that there is, and the largest workspace.
inline attention_plan plan_of(cuda& device, std::vector<attention_size> const& all) {
    attention_plan of{};
    for (auto const& p : std::set<attention_size>(all.begin(), all.end())) {
        auto const one  = plan_of(device, p);
        auto const said = (p.backward ? "backward " : "") + one.way;
        if ((", " + of.way + ",").find(", " + said + ",") == std::string::npos) of.way += (of.way.empty() ? "" : ", ") + said;
        of.bytes = std::max(of.bytes, one.bytes);
    }
    return of;
}

}  // namespace midtrain::inline MT_ABI
