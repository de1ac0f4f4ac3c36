#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/op/fused_call.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/problem/batch.hpp>

// What a GPU asks of cuDNN, with the library played: it knows of a call no more than cuDNN does, the form and the memory.
namespace mt = midtrain;
using mt::bf16;
using mt::index_t;

namespace {

/// Attention from its definition, of documents that lie where the form and the offsets say. It wants 1000 bytes a head.
class played_library final : public mt::fused_attention {
  public:
    std::vector<mt::fused_attention_form> ran;
    std::string                           refuses;

    found const& find(mt::fused_attention_form const& f) override {
        found_ = {.workspace = 1000 * f.heads, .refused = refuses};
        return found_;
    }
    void run(mt::fused_attention_form const& f, mt::fused_attention_memory const& m) override {
        ran.push_back(f);
        std::fill_n(static_cast<std::byte*>(m.workspace), 1000 * f.heads, std::byte{0x55});
        for (index_t b = 0; b < f.batch; ++b)
            for (index_t h = 0; h < f.heads; ++h) f.backward ? backward({f, m, b, h}) : forward({f, m, b, h});
    }

  private:
    struct head {
        mt::fused_attention_form const&   f;
        mt::fused_attention_memory const& m;
        index_t                           b, h;

        static index_t offset(void const* table, index_t k) { return static_cast<std::int64_t const*>(table)[k]; }
        index_t kv() const { return h / (f.heads / f.kv_heads); }
        index_t length() const { return f.ragged ? static_cast<std::int32_t const*>(m.lengths)[b] : f.length; }
        index_t from(void const* table, index_t stride) const { return f.ragged ? offset(table, b) : b * f.length * stride; }
        template <class T>
        static T* at(T* base, index_t first, index_t stride, index_t size, index_t head, index_t t, index_t i) {
            return base + first + t * stride + head * size + i;
        }
        double input(void const* of, index_t size, index_t head, index_t t, index_t i) const {
            return *at(static_cast<bf16 const*>(of), from(m.qkv_offsets, f.qkv_stride), f.qkv_stride, size, head, t, i);
        }
        double q(index_t t, index_t i) const { return input(m.query, f.head_size, h, t, i); }
        double k(index_t t, index_t i) const { return input(m.key, f.head_size, kv(), t, i); }
        double v(index_t t, index_t i) const { return input(m.value, f.value_size, kv(), t, i); }
        bf16*  o(void const* of, index_t t, index_t i) const {
            auto const first = from(m.output_offsets, f.output_stride);
            return at(static_cast<bf16*>(const_cast<void*>(of)), first, f.output_stride, f.value_size, h, t, i);
        }
        float& log_sum(index_t t) const { return static_cast<float*>(m.log_sum)[offset(m.log_sum_offsets, b) + h * f.log_sum_stride + t]; }
        index_t first(index_t t) const { return f.window > 0 ? std::max<index_t>(0, t + 1 - f.window) : 0; }
        double  score(index_t t, index_t j) const {
            double s = 0;
            for (index_t i = 0; i < f.head_size; ++i) s += q(t, i) * k(j, i);
            return s * *static_cast<float const*>(m.scale);
        }
    };
    static void forward(head const& a) {
        for (index_t t = 0; t < a.length(); ++t) {
            double total = 0;
            for (index_t j = a.first(t); j <= t; ++j) total += std::exp(a.score(t, j));
            for (index_t i = 0; i < a.f.value_size; ++i) {
                double sum = 0;
                for (index_t j = a.first(t); j <= t; ++j) sum += std::exp(a.score(t, j)) * a.v(j, i);
                *a.o(a.m.output, t, i) = bf16(float(sum / total));
            }
            a.log_sum(t) = float(std::log(total));
        }
    }
    /// Heads of a group come one after the other, and the last of them writes the sum for their keys.
    void backward(head const& a) {
        auto const& f = a.f;
        auto const  n = a.length(), group = f.heads / f.kv_heads;
        if (a.h % group == 0) keys_.assign(n * f.head_size, 0), values_.assign(n * f.value_size, 0);
        auto const put = [&](void* to, void const* offsets, index_t stride, index_t size, index_t h, index_t t, index_t i, double x) {
            *head::at(static_cast<bf16*>(to), a.from(offsets, stride), stride, size, h, t, i) = bf16(float(x));
        };
        for (index_t t = 0; t < n; ++t) {
            double dot = 0;
            for (index_t i = 0; i < f.value_size; ++i) dot += double(*a.o(a.m.output, t, i)) * double(*a.o(a.m.output_gradient, t, i));
            std::vector<double> dq(f.head_size, 0.0);
            for (index_t j = a.first(t); j <= t; ++j) {
                double const p = std::exp(a.score(t, j) - a.log_sum(t));
                double       along = 0;
                for (index_t i = 0; i < f.value_size; ++i) {
                    along += double(*a.o(a.m.output_gradient, t, i)) * a.v(j, i);
                    values_[j * f.value_size + i] += p * double(*a.o(a.m.output_gradient, t, i));
                }
                double const slope = p * (along - dot) * *static_cast<float const*>(a.m.scale);
                for (index_t i = 0; i < f.head_size; ++i) dq[i] += slope * a.k(j, i), keys_[j * f.head_size + i] += slope * a.q(t, i);
            }
            for (index_t i = 0; i < f.head_size; ++i)
                put(a.m.query_gradient, a.m.qkv_offsets, f.qkv_stride, f.head_size, a.h, t, i, dq[i]);
        }
        if (a.h % group != group - 1) return;
        auto const* const key_at = f.apart ? a.m.key_offsets : a.m.qkv_offsets;
        auto const* const value_at = f.apart ? a.m.value_offsets : a.m.qkv_offsets;
        index_t const key_stride = f.apart ? f.kv_heads * f.head_size : f.qkv_stride;
        index_t const value_stride = f.apart ? f.kv_heads * f.value_size : f.qkv_stride;
        for (index_t t = 0; t < n; ++t) {
            for (index_t i = 0; i < f.head_size; ++i)
                put(a.m.key_gradient, key_at, key_stride, f.head_size, a.kv(), t, i, keys_[t * f.head_size + i]);
            for (index_t i = 0; i < f.value_size; ++i)
                put(a.m.value_gradient, value_at, value_stride, f.value_size, a.kv(), t, i, values_[t * f.value_size + i]);
        }
    }

    found               found_;
    std::vector<double> keys_, values_;
};

struct form {
    index_t sequences, length, heads, kv_heads, size;
    index_t values = 0, window = 0, mean = 0;  // tokens of a document in the mean; 0: each sequence is one
};

struct result {
    std::vector<bf16>  output, gradient;
    std::vector<float> log_sum;
};

/// A batch at random, done by `go(forward, gradient)`; what nobody writes stays no number.
template <class Go>
result attend(form const& f, Go const& go) {
    index_t const n = f.sequences * f.length, values = f.values > 0 ? f.values : f.size;
    index_t const columns = (f.heads + f.kv_heads) * f.size + f.kv_heads * values, outputs = f.heads * values;
    mt::random_stream const   r{3, 0};
    std::vector<bf16>         qkv, slope;
    std::vector<std::int32_t> begin;
    for (index_t i = 0; i < n * columns; ++i) qkv.push_back(bf16(float(3 * r.uniform(std::uint64_t(i)) - 1.5)));
    for (index_t i = 0; i < n * outputs; ++i) slope.push_back(bf16(float(r.uniform(std::uint64_t(i) + 1'000'000) - 0.5)));
    for (index_t i = 0; i < n; ++i) {
        auto const t      = static_cast<std::int32_t>(i % f.length);
        bool const begins = t == 0 || (f.mean > 0 && mt::mix_bits(static_cast<std::uint64_t>(i)) % std::uint64_t(f.mean) == 0);
        begin.push_back(begins ? t : begin.back());
    }
    result of{std::vector<bf16>(n * outputs, bf16(NAN)), std::vector<bf16>(n * columns, bf16(NAN)), std::vector<float>(f.heads * n, NAN)};
    std::vector<float> dot(f.heads * n);
    mt::attention_problem<bf16> const p{
        .qkv = mt::as_matrix<bf16 const>(qkv.data(), n, columns), .document_begin = {begin.data(), n},
        .output = mt::as_matrix(of.output.data(), n, outputs),
        .log_sum = mt::as_matrix(of.log_sum.data(), f.heads, n), .sequences = f.sequences, .length = f.length, .heads = f.heads,
        .kv_heads = f.kv_heads, .head_size = f.size, .scale = 0.3f, .window = f.window, .value_size = f.values,
        .documents = mt::bound_of_documents({begin.data(), n}, f.length)};
    go(p, mt::attention_gradient_problem<bf16>{p, mt::as_matrix<bf16 const>(slope.data(), n, outputs),
                                               mt::as_matrix(of.gradient.data(), n, columns), mt::as_matrix(dot.data(), f.heads, n)});
    return of;
}

template <class Device>
result by_library(Device& device, played_library& library, form const& f, index_t most) {
    return attend(f, [&](auto const& p, auto const& g) {
        auto const call = [&](bool backward) {
            mt::fused_attention_form wanted{};
            BOOST_REQUIRE(mt::detail::fused_form(size_of(p, backward), true, wanted).empty());
            index_t const one_key_head = 1000 * f.heads / f.kv_heads;  // forward is not cut further
            auto const    way = mt::detail::choose_fused(&library, wanted, backward ? most : std::max(most, one_key_head));
            BOOST_REQUIRE(way.calls > 0);
            auto const work = device.template make<std::byte>(mt::detail::fused_bytes(way));
            mt::detail::run_fused(device, library, way, work.view(), p, backward ? &g : nullptr);
        };
        call(false), call(true);
    });
}
result plainly(form const& f) {
    return attend(f, [](auto const& p, auto const& g) {
        mt::host host(1);
        mt::plain(host, p), mt::plain(host, g);
    });
}

template <class V>
double worst(V const& a, V const& b) {
    double w = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        double const d = std::abs(double(a[i]) - double(b[i])) / (1 + std::abs(double(b[i])));
        if (std::isnan(d)) return 1e9;
        w = std::max(w, d);
    }
    return w;
}

/// Both round once to bfloat16, from sums in float and in double: a rounding may fall to the other side.
void calls_equal_the_reference(form const& f, index_t most = 1 << 20) {
    mt::host       host(1);
    mt::crowd      crowd(4);
    played_library library;
    auto const     want = plainly(f);
    for (auto const& got : {by_library(host, library, f, most), by_library(crowd, library, f, most)}) {
        BOOST_TEST(worst(got.output, want.output) < 5e-3);
        BOOST_TEST(worst(got.log_sum, want.log_sum) < 1e-5);
        BOOST_TEST(worst(got.gradient, want.gradient) < 8e-3);
    }
}

constexpr form packed{.sequences = 2, .length = 30, .heads = 4, .kv_heads = 2, .size = 8, .mean = 8};

}  // namespace

BOOST_AUTO_TEST_SUITE(calls_of_fused_attention)

BOOST_AUTO_TEST_CASE(whole_sequences) {
    calls_equal_the_reference({.sequences = 3, .length = 20, .heads = 4, .kv_heads = 4, .size = 8});
    calls_equal_the_reference({.sequences = 2, .length = 21, .heads = 6, .kv_heads = 2, .size = 8, .window = 6});
}
BOOST_AUTO_TEST_CASE(documents_side_by_side) {
    calls_equal_the_reference(packed);
    calls_equal_the_reference({.sequences = 1, .length = 40, .heads = 3, .kv_heads = 3, .size = 16, .values = 8, .window = 5, .mean = 9});
}
BOOST_AUTO_TEST_CASE(heads_in_parts) {
    calls_equal_the_reference({.sequences = 2, .length = 20, .heads = 8, .kv_heads = 4, .size = 8}, 4000);
    calls_equal_the_reference({.sequences = 2, .length = 20, .heads = 8, .kv_heads = 4, .size = 8, .values = 16, .mean = 6}, 2000);
}
/// Two heads share a key head and do not fit together: each makes a gradient of the keys, and the two are added.
BOOST_AUTO_TEST_CASE(heads_of_one_group_in_parts) {
    calls_equal_the_reference({.sequences = 2, .length = 20, .heads = 6, .kv_heads = 2, .size = 8}, 1000);
    calls_equal_the_reference({.sequences = 2, .length = 20, .heads = 4, .kv_heads = 1, .size = 8, .values = 16, .mean = 6}, 2000);
}
BOOST_AUTO_TEST_CASE(parts_are_as_few_as_memory_allows) {
    played_library           library;
    mt::fused_attention_form f{};
    f.heads = 24, f.kv_heads = 12;
    auto const calls = [&](index_t most) { return mt::detail::choose_fused(&library, f, most).calls; };
    BOOST_TEST(calls(24'000) == 1);
    BOOST_TEST(calls(23'999) == 2);
    BOOST_TEST(calls(8'000) == 3);
    BOOST_TEST(calls(2'000) == 12);
    BOOST_TEST(calls(1'999) == 0);
    f.backward = true;
    auto const both = mt::detail::choose_fused(&library, f, 1'999);
    BOOST_TEST((both.calls == 12 && both.parts == 2 && both.each.heads == 1 && both.each.kv_heads == 1 && both.each.apart));
    BOOST_TEST(calls(999) == 0);
    library.refuses = "no";
    BOOST_TEST(mt::detail::choose_fused(&library, f, 24'000).refused == "cuDNN: no");
    BOOST_TEST(mt::detail::choose_fused(nullptr, f, 24'000).refused == "the program has no cuDNN");
}
BOOST_AUTO_TEST_CASE(forms_that_no_library_is_asked_for) {
    attend(packed, [](auto const& p, auto const&) {
        mt::fused_attention_form f{};
        auto const why = [&](auto const& change) {
            auto s = size_of(p);
            change(s);
            return mt::detail::fused_form(s, true, f);
        };
        BOOST_TEST(why([](auto&) {}) == "");
        BOOST_TEST((f.ragged && f.batch == p.documents && f.tokens == 60 && !f.apart));
        BOOST_TEST(why([](auto& s) { s.value_bytes = 4; }) == "not in bfloat16");
        BOOST_TEST(why([](auto& s) { s.modified = true; }) == "score modifiers");
        BOOST_TEST(why([](auto& s) { s.far = true; }) == "distances");
        BOOST_TEST(why([](auto& s) { s.documents = 0; }) == "how many documents there are is not known");
        BOOST_TEST(why([](auto& s) { s.documents = 40; }) == "very many documents");
        BOOST_TEST(why([](auto& s) { s.documents = 40, s.length = 40 * 128; }) == "");
    });
}

BOOST_AUTO_TEST_SUITE_END()
