#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <midtrain/core/random.hpp>
#include <midtrain/data/fim.hpp>

namespace midtrain::inline MT_ABI::data {

/// The documents of a store as one stage wants them: all, or those of a bucket; as they stand, or some rearranged for
/// fill-in-the-middle. A store itself, and points to the other.
template <class Store>
class staged_documents {
  public:
    /// `chosen`: numbers of documents; `all`: every document instead.
    staged_documents(Store const& store, bool all, std::span<std::uint32_t const> chosen, fim const& how, std::uint64_t seed)
        : store_(&store), all_(all), chosen_(chosen), fim_(&how), seed_(seed) {}

    std::int64_t documents() const {
        return all_ ? static_cast<std::int64_t>(store_->documents()) : static_cast<std::int64_t>(chosen_.size());
    }
    auto document(std::int64_t i) const {
        using found          = decltype(store_->document(i));
        auto const   at      = in_store(i);
        found        text    = store_->document(at);
        auto const   tokens  = static_cast<std::int64_t>(text.size());
        return fim_view<found>(static_cast<found>(text), cut_of(*fim_, seed_, at, tokens), *fim_);
    }
    /// The document's number in the store.
    std::int64_t in_store(std::int64_t i) const { return all_ ? i : static_cast<std::int64_t>(chosen_[static_cast<std::size_t>(i)]); }
    /// Other documents, or rearranged in another way, give another number.
    std::uint64_t form() const {
        auto const ends = chosen_.empty() ? 0 : std::uint64_t{chosen_.front()} << 32 | chosen_.back();
        return mix_bits(static_cast<std::uint64_t>(documents())) ^ mix_bits(ends + 4) ^ mix_bits(static_cast<std::uint64_t>(fim_->rate * 0x1p40) + 1) ^
               mix_bits(static_cast<std::uint64_t>(fim_->spm * 0x1p40) + 2) ^ mix_bits(static_cast<std::uint64_t>(fim_->keep) << 8 | 3);
    }

  private:
    Store const*                   store_;
    bool                           all_;
    std::span<std::uint32_t const> chosen_;
    fim const*                     fim_;
    std::uint64_t                  seed_;
};

}  // namespace midtrain::inline MT_ABI::data
