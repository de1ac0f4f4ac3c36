#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/fused_attention.hpp>
#include <midtrain/exec/cuda/op/document_table.hpp>
#include <midtrain/op/attention_tiles.hpp>
#include <midtrain/problem/attention.hpp>

// How a problem becomes calls of a library of fused attention: for any device and any library, so that a test plays both without a GPU.
namespace midtrain::inline MT_ABI::detail {

/// A fused way for a form: as it is, or by fewer heads at a time.
struct fused_choice {
    fused_attention_form each{};     ///< of one call
    index_t              calls = 0;  ///< by key heads; 0: there is no fused way
    index_t              parts = 1;  ///< of each key head's group, a call each, whose gradients of keys and values are added
    index_t              bytes = 0;  ///< of the library's workspace
    std::string          refused{};
};

/// As few calls as keep the library's workspace within `most` bytes.
inline fused_choice choose_fused(fused_attention* library, fused_attention_form const& f, index_t most) {
    fused_choice c;
    if (!library) return c.refused = "the program has no cuDNN", c;
    for (index_t calls = 1; calls <= f.kv_heads; ++calls) {
        if (f.kv_heads % calls != 0) continue;
        auto each = f;
        each.heads /= calls, each.kv_heads /= calls;
        auto const& found = library->find(each);
        if (!found.refused.empty()) return c.refused = "cuDNN: " + found.refused, c;
        if (found.workspace <= most) return {each, calls, 1, found.workspace, {}};
        c.refused = "cuDNN wants " + std::to_string(found.workspace >> 20) + " MiB to give twice the same bits";
        calls     = std::max(calls, (found.workspace * calls + most - 1) / most - 1);  // it falls at most as the heads do
    }
    index_t const group = f.heads / f.kv_heads;
    for (index_t parts = 2; f.backward && parts <= group; ++parts) {
        if (group % parts != 0) continue;
        auto each = f;
        each.heads = group / parts, each.kv_heads = 1, each.apart = true;
        auto const& found = library->find(each);
        if (found.refused.empty() && found.workspace <= most) return {each, f.kv_heads, parts, found.workspace, {}};
    }
    return c;
}

/// A form for cuDNN, or why it cannot have one. Documents lie side by side there, so their number must be known, and not so large that
/// empty ones cost more than attention: the bounds are a judgement, not yet measured.
inline std::string fused_form(attention_size const& p, bool repeatable, fused_attention_form& f) {
    constexpr index_t most_documents = 16, tokens_enough = 256;  // of a sequence, and of a document, in the mean
    if (p.value_bytes != sizeof(bf16)) return "not in bfloat16";
    if (p.modified) return "score modifiers";
    if (p.far) return "distances";
    if (p.documents <= 0) return "how many documents there are is not known";
    if (p.documents > most_documents * p.sequences && p.documents * tokens_enough > p.sequences * p.length) return "very many documents";
    bool const whole = p.documents == p.sequences;
    f = {.batch = p.documents, .heads = p.heads, .kv_heads = p.kv_heads, .length = p.length, .head_size = p.head_size,
         .value_size = p.value_size, .qkv_stride = p.qkv_stride, .output_stride = p.output_stride, .log_sum_stride = p.log_sum_stride,
         .tokens = p.sequences * p.length, .window = p.window < p.length ? p.window : 0, .ragged = !whole, .backward = p.backward,
         .repeatable = repeatable, .apart = p.backward && !whole && p.group() > 1};
    return {};
}

/// The gradients of one head's keys, or values, from those of each part of its group: added in the order of the parts. One row a team.
struct add_parts {
    matrix_view<bf16 const>  from;  // (tokens, size): of this part
    matrix_view<float>       sum;   // the same: of those before; unused where there is one part
    matrix_view<bf16>        to;    // (tokens, size): where the last part puts the sum
    bool                     first, last;
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const in = from.row(r).data;
        auto const of = first && last ? nullptr : sum.row(r).data;
        auto const out = to.row(r).data;
        bool const begins = first, ends = last;
        team.each(from.columns, [=](index_t i) {
            float const all = begins ? float(in[i]) : of[i] + float(in[i]);
            if (ends) out[i] = bf16(all);
            else of[i] = all;
        });
    }
};

/// What a call of cuDNN has beside the problem's tensors.
struct fused_parts {
    matrix_view<std::int32_t> counts, first, total, lengths;
    matrix_view<std::int64_t> offsets;
    matrix_view<float>        scale, key_sum, value_sum;
    matrix_view<bf16>         key_gradient, value_gradient;
    matrix_view<std::byte>    workspace;

    fused_parts(op::workspace_parts& w, fused_choice const& c) {
        auto const&   f      = c.each;
        index_t const chunks = (f.tokens + op::document_chunk - 1) / op::document_chunk, added = c.parts > 1 ? f.tokens : 0;
        counts  = w.take<std::int32_t>(1, chunks);
        first   = w.take<std::int32_t>(1, f.batch);
        total   = w.take<std::int32_t>(1, 1);
        lengths = w.take<std::int32_t>(1, f.batch);
        offsets = w.take<std::int64_t>(op::write_documents::most_tensors, f.batch + 1);
        scale   = w.take<float>(1, 1);
        key_gradient   = w.take<bf16>(f.apart ? f.tokens : 0, f.kv_heads * f.head_size);
        value_gradient = w.take<bf16>(f.apart ? f.tokens : 0, f.kv_heads * f.value_size);
        key_sum        = w.take<float>(added, f.head_size);
        value_sum      = w.take<float>(added, f.value_size);
        workspace      = w.take<std::byte>(1, c.bytes);
    }
};

/// Bytes of workspace that a problem takes done so.
inline index_t fused_bytes(fused_choice const& c) {
    op::workspace_parts count;
    fused_parts(count, c);
    return count.used();
}

/// The table of documents, and a call for each part of the heads. `work` has fused_bytes(c), aligned to 256.
template <class Device>
void run_fused(Device& device, fused_attention& library, fused_choice const& c, row_view<std::byte> work, attention_problem<bf16> const& p,
               attention_gradient_problem<bf16> const* gradient) {
    auto const&         f = c.each;
    op::workspace_parts memory(work.data);
    fused_parts const   part(memory, c);
    auto const          row = [](auto m) { return m.flat(); };

    op::document_beginnings const of{p.document_begin, p.length};
    device.rows(of.chunks(), op::count_documents{of, row(part.counts)});
    device.rows(of.chunks(), op::place_documents{of, row(part.counts), row(part.first), row(part.total)});
    device.elements(f.batch + 1, op::write_documents{
                                     .first = row(part.first), .total = row(part.total), .tokens = f.tokens, .lengths = row(part.lengths),
                                     .offsets = part.offsets,
                                     .strides = {f.qkv_stride, f.output_stride, 1, f.kv_heads * f.head_size, f.kv_heads * f.value_size},
                                     .score_scale = p.scale, .scale = row(part.scale)});
    for (index_t call = 0; call < c.calls * c.parts; ++call) {
        index_t const kv = call / c.parts * f.kv_heads, head = call * f.heads, of_group = call % c.parts;
        fused_attention_memory m{
            .query = p.qkv.data + p.query_column(head), .key = p.qkv.data + p.key_column(kv), .value = p.qkv.data + p.value_column(kv),
            .lengths = part.lengths.data, .scale = part.scale.data, .qkv_offsets = &part.offsets(0, 0),
            .output_offsets = &part.offsets(1, 0), .log_sum_offsets = &part.offsets(2, 0), .key_offsets = &part.offsets(3, 0),
            .value_offsets = &part.offsets(4, 0), .output = p.output.data + p.output_column(head), .log_sum = p.log_sum.row(head).data,
            .workspace = part.workspace.data};
        if (!gradient) {
            library.run(f, m);
            continue;
        }
        auto const& d = gradient->qkv_gradient;
        auto const  dk = d.columns_part(p.key_column(kv), f.kv_heads * f.head_size);
        auto const  dv = d.columns_part(p.value_column(kv), f.kv_heads * f.value_size);
        m.output_gradient = gradient->output_gradient.data + p.output_column(head);
        m.query_gradient  = d.data + p.query_column(head);
        m.key_gradient    = f.apart ? part.key_gradient.data : dk.data;
        m.value_gradient  = f.apart ? part.value_gradient.data : dv.data;
        library.run(f, m);
        if (!f.apart) continue;
        bool const first = of_group == 0, last = of_group + 1 == c.parts;
        device.rows(f.tokens, add_parts{part.key_gradient, part.key_sum, dk, first, last});
        device.rows(f.tokens, add_parts{part.value_gradient, part.value_sum, dv, first, last});
    }
}

}  // namespace midtrain::inline MT_ABI::detail
