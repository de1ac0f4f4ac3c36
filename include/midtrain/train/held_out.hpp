#pragma once
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/document_loss.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/result_json.hpp>

namespace midtrain::inline MT_ABI {

/// Held-out documents under a name. Store: as for visit_losses.
template <class Store>
struct named_store {
    std::string  name;
    Store const* store;
};

/// How many bytes of text tokens stand for: a control token stands for none, an added word for its own.
class token_bytes {
  public:
    /// Of a model without a tokenizer: nothing is known, and no token stands for bytes.
    token_bytes() = default;
    template <class Tokenizer>
    explicit token_bytes(Tokenizer const& tokenizer) {
        for (std::size_t i = 0; i < tokenizer.size(); ++i) {
            auto const id = static_cast<std::int32_t>(i);
            bytes_.push_back(static_cast<std::int64_t>(tokenizer.decode(std::span<std::int32_t const>(&id, 1)).size()));
        }
        for (auto const& a : tokenizer.parts().added)
            if (a.special) bytes_[static_cast<std::size_t>(a.id)] = 0;
    }
    /// Ids beyond the tokenizer, where a model's vocabulary is padded, stand for nothing.
    std::int64_t operator()(std::span<std::int32_t const> tokens) const {
        std::int64_t n = 0;
        for (auto t : tokens)
            if (static_cast<std::size_t>(t) < bytes_.size()) n += bytes_[static_cast<std::size_t>(t)];
        return n;
    }

  private:
    std::vector<std::int64_t> bytes_;
};

/// What a model loses on the held-out documents of one source, by document and by position.
struct held_out_source {
    std::string                name;
    std::vector<document_loss> documents;
    std::vector<position_loss> positions;

    friend bool operator==(held_out_source const&, held_out_source const&) = default;
};
struct held_out_result {
    std::vector<held_out_source> sources;

    held_out_source const& at(std::string const& name) const {
        for (auto const& s : sources)
            if (s.name == name) return s;
        throw error("there is no held-out loss of source '" + name + "'");
    }
    friend bool operator==(held_out_result const&, held_out_result const&) = default;
};

/// Held-out loss of every source, in one pass over its documents. `bytes_of(tokens)`: as token_bytes.
template <class Model, class Store, class BytesOf>
held_out_result evaluate_held_out(Model& model, std::span<named_store<Store> const> stores, std::int32_t end_token, evaluate_options how,
                                  BytesOf const& bytes_of) {
    held_out_result out;
    for (auto const& s : stores) {
        check(s.store->documents() > 0, [&] { return "held-out source '" + s.name + "' has no documents"; });
        held_out_source       source{s.name, {}, {}};
        detail::position_tally positions;
        source.documents = evaluate_documents(model, *s.store, end_token, how, bytes_of,
                                              [&](index_t position, double loss) { positions.add(position, loss); });
        source.positions = positions.means();
        out.sources.push_back(std::move(source));
    }
    return out;
}

namespace detail {

/// Losses in bits and bytes of the documents of which bytes are known; false if there are none.
inline bool bits_and_bytes(std::span<document_loss const> documents, std::vector<double>& bits, std::vector<double>& bytes) {
    for (auto const& d : documents)
        if (d.bytes > 0) bits.push_back(d.loss / std::numbers::ln2), bytes.push_back(static_cast<double>(d.bytes));
    return !bits.empty();
}

}  // namespace detail

/// Bits a byte of text, with its interval: comparable between tokenizers. Documents of which no bytes are known are left out.
inline interval bits_per_byte(std::span<document_loss const> documents, bootstrap_options how = {}) {
    std::vector<double> bits, bytes;
    check(detail::bits_and_bytes(documents, bits, bytes), "bits a byte need a document of which the bytes are known");
    return detail::bootstrap_ratio(bits, bytes, how);
}

/// What a record of the run says of a source.
inline held_out_value value_of(held_out_source const& s, bootstrap_options how = {}) {
    held_out_value      v{.source = s.name, .loss = bootstrap_mean(s.documents, how)};
    std::vector<double> bits, bytes;
    if (detail::bits_and_bytes(s.documents, bits, bytes)) v.bits_per_byte = detail::bootstrap_ratio(bits, bytes, how);
    return v;
}

/// Changes of mean loss by source from `before` to `after`, with paired intervals; sources that only one of them has are left out.
inline std::vector<std::pair<std::string, interval>> held_out_changes(held_out_result const& before, held_out_result const& after,
                                                                      bootstrap_options how = {}) {
    std::vector<std::pair<std::string, interval>> all;
    for (auto const& b : before.sources)
        for (auto const& a : after.sources)
            if (a.name == b.name) all.emplace_back(a.name, bootstrap_difference(b.documents, a.documents, how));
    return all;
}

/// [{"source", "documents": [[loss, targets, bytes], ...], "positions": [[first, last, loss, targets], ...]}, ...]
inline io::json to_json(held_out_result const& r) {
    using json = io::json;
    return detail::json_list(r.sources, [](held_out_source const& s) {
        json::object o;
        o.emplace("source", json{s.name});
        o.emplace("documents", detail::json_list(s.documents, [](document_loss const& d) {
            return detail::json_numbers(std::vector<double>{d.loss, static_cast<double>(d.targets), static_cast<double>(d.bytes)});
        }));
        o.emplace("positions", detail::json_list(s.positions, [](position_loss const& p) {
                      return detail::json_numbers(std::vector<double>{static_cast<double>(p.first), static_cast<double>(p.last), p.loss,
                                                                      static_cast<double>(p.targets)});
                  }));
        return json{std::move(o)};
    });
}

/// What to_json wrote; `where` names it in errors.
inline held_out_result held_out_result_from(io::json const& of, std::string const& where) {
    using json = io::json;
    auto const row = [&](json const& v, std::size_t width) {
        auto const a  = v.as<json::array>();
        bool       ok = a && a->size() == width;
        std::vector<double> x;
        for (std::size_t i = 0; ok && i < width; ++i)
            if ((ok = (*a)[i].as<double>() != nullptr)) x.push_back(*(*a)[i].as<double>());
        check(ok, [&] { return where + ": a row of held-out losses is not " + std::to_string(width) + " numbers"; });
        return x;
    };
    check(of.as<json::array>() != nullptr, [&] { return where + ": held-out losses are no list"; });
    held_out_result r;
    for (auto const& s : *of.as<json::array>()) {
        detail::result_reader const in(s, where);
        held_out_source             source{in.get<std::string>("source"), {}, {}};
        for (auto const& d : in.get<json::array>("documents")) {
            auto const x = row(d, 3);
            source.documents.push_back({x[0], static_cast<std::int64_t>(x[1]), static_cast<std::int64_t>(x[2])});
        }
        for (auto const& p : in.get<json::array>("positions")) {
            auto const x = row(p, 4);
            source.positions.push_back({static_cast<index_t>(x[0]), static_cast<index_t>(x[1]), x[2], static_cast<std::int64_t>(x[3])});
        }
        r.sources.push_back(std::move(source));
    }
    return r;
}

}  // namespace midtrain::inline MT_ABI
