#pragma once
#include <cstdint>
#include <iterator>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/evaluate.hpp>

namespace midtrain::inline MT_ABI {

/// A model's mean loss over held-out documents while its positions are those of a policy, in sequences of `how.length`: what a search of
/// LongRoPE's factors makes small (its exponential is the perplexity). The model then has its own positions again.
template <class Model, class Store, class Policy>
double loss_with_positions(Model& model, Store const& store, std::int32_t end_token, evaluate_options how, Policy const& policy) {
    double       total = 0;
    std::int64_t targets = 0;
    model.with_rotary(how.length, policy, [&] {
        visit_losses(model, store, end_token, how, [&](std::int64_t, index_t, double loss) { total += loss, ++targets; });
    });
    check(targets > 0, "no held-out document has a target: nothing can be measured");
    return total / static_cast<double>(targets);
}

/// The same for documents that fill a sequence: as many of a store's first ones as are asked for and at least `length` tokens long. Shorter
/// ones say nothing of how far positions reach.
template <class Store>
class long_documents {
  public:
    long_documents(Store const& store, index_t length, std::int64_t most) : store_(&store) {
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(store.documents()) && std::ssize(which_) < most; ++i)
            if (static_cast<index_t>(store.document(i).size()) >= length) which_.push_back(i);
    }
    std::int64_t documents() const { return std::ssize(which_); }
    auto         document(std::int64_t i) const { return store_->document(which_[static_cast<std::size_t>(i)]); }

  private:
    Store const*              store_;
    std::vector<std::int64_t> which_;
};

}  // namespace midtrain::inline MT_ABI
