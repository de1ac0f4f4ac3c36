#pragma once
#include <cstddef>
#include <string_view>
#include <midtrain/core/choice.hpp>
#include <midtrain/mixture/by_length.hpp>
#include <midtrain/mixture/by_score.hpp>
#include <midtrain/mixture/shuffled.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// An order of documents of which only a file says which it is.
struct any_order : choice<option<"shuffled", shuffled>, option<"by_length", by_length>, option<"by_score", by_score>> {
    using choice::choice;

    std::size_t buckets() const {
        return visit([](auto const& p) { return p.buckets(); });
    }
    std::size_t bucket_of(document_facts const& d) const {
        return visit([&](auto const& p) { return p.bucket_of(d); });
    }
    double share(std::size_t bucket, progress at) const {
        return visit([&](auto const& p) { return p.share(bucket, at); });
    }
    bool wants_scores() const {
        return visit([](auto const& p) { return p.wants_scores(); });
    }
    bool is_for(std::string_view source) const {
        return visit([&](auto const& p) { return p.is_for(source); });
    }
    bool fits() const {
        return visit([](auto const& p) {
            if constexpr (requires { p.fits(); }) return p.fits();
            else return true;
        });
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::any_order;
}
