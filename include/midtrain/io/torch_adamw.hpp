#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/pickle.hpp>
#include <midtrain/io/tensor_shape.hpp>
#include <midtrain/io/torch_archive.hpp>

namespace midtrain::inline MT_ABI::io {

/// The state of torch.optim.AdamW as Hugging Face's Trainer saves it in optimizer.pt: for each parameter, by its number, the running means
/// exp_avg and exp_avg_sq. Numbers count through the groups in order.
class torch_adamw {
  public:
    explicit torch_adamw(std::string path) : archive_(std::move(path)) {
        auto const root = pickle::as<pickle::dict>(archive_.root());
        archive_.require(root != nullptr, "holds no optimizer's state");
        auto const state  = find<pickle::dict>(*root, "state");
        auto const groups = find<pickle::list>(*root, "param_groups");
        archive_.require(state && groups, "holds no optimizer's state: 'state' or 'param_groups' is missing");
        for (auto const& g : *groups) read_group(g);
        all_.resize(numbered_);
        for (auto const& [key, value] : *state) read_parameter(key, value);
        for (std::size_t i = 0; i < numbered_; ++i)
            archive_.require(all_[i].mean != nullptr, "has no state for parameter " + std::to_string(i));
    }

    std::string const& path() const { return archive_.path(); }

    /// How many parameters each group has.
    std::vector<std::size_t> const& groups() const { return groups_; }
    std::size_t                     parameters() const { return numbered_; }

    /// How many steps were taken, the same for every parameter.
    std::int64_t step() const { return step_; }

    std::vector<std::int64_t> const& shape(std::size_t parameter) const { return all_.at(parameter).mean->shape; }

    /// Copies exp_avg (slot 0) or exp_avg_sq (slot 1) of a parameter. `name` is for errors.
    void operator()(int slot, std::size_t parameter, std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        auto const& t = slot == 0 ? *all_.at(parameter).mean : *all_.at(parameter).square;
        archive_.require(detail::is_of(t.shape, rows, columns), "parameter " + std::to_string(parameter) + " has shape " +
                             detail::written_shape(t.shape) + " where '" + std::string(name) + "' of the model has " +
                             detail::written_shape({rows, columns}));
        archive_.read(t, name, to);
    }

  private:
    struct moments {
        pickle::tensor const *mean = nullptr, *square = nullptr;
    };

    template <class T>
    static T const* find(pickle::dict const& d, std::string_view key) {
        auto const v = pickle::find(d, key);
        return v ? pickle::as<T>(*v) : nullptr;
    }
    void read_group(pickle::value const& v) {
        auto const g       = pickle::as<pickle::dict>(v);
        auto const numbers = g ? find<pickle::list>(*g, "params") : nullptr;
        archive_.require(numbers != nullptr, "has a group without 'params'");
        auto const amsgrad = find<bool>(*g, "amsgrad");
        archive_.require(!amsgrad || !*amsgrad, "was made by AMSGrad, which has a third state that AdamW has not");
        for (auto const& n : *numbers) {
            auto const i = pickle::as<std::int64_t>(n);
            archive_.require(i && *i == static_cast<std::int64_t>(numbered_), "numbers its parameters out of order");
            ++numbered_;
        }
        groups_.push_back(numbers->size());
    }
    void read_parameter(pickle::value const& key, pickle::value const& v) {
        auto const i = pickle::as<std::int64_t>(key);
        archive_.require(i && *i >= 0 && *i < static_cast<std::int64_t>(numbered_), "has state for a parameter of no group");
        std::string const who = "parameter " + std::to_string(*i);
        auto const        d   = pickle::as<pickle::dict>(v);
        archive_.require(d != nullptr, who + " has a state that is no dict");
        moments const m{find<pickle::tensor>(*d, "exp_avg"), find<pickle::tensor>(*d, "exp_avg_sq")};
        archive_.require(m.mean && m.square, who + " lacks exp_avg or exp_avg_sq: only AdamW's state is known");
        archive_.require(m.mean->shape == m.square->shape, who + " has an exp_avg and an exp_avg_sq of two shapes");
        auto& place = all_[static_cast<std::size_t>(*i)];
        archive_.require(!place.mean, who + " has its state twice");
        place           = m;
        auto const step = read_step(*d, who);
        archive_.require(step_ < 0 || step == step_,
                         who + " has taken " + std::to_string(step) + " steps and others " + std::to_string(step_));
        step_ = step;
    }
    // A number, or in newer versions a tensor without dimensions.
    std::int64_t read_step(pickle::dict const& d, std::string const& who) const {
        double n = -1;
        if (auto const whole = find<std::int64_t>(d, "step")) n = static_cast<double>(*whole);
        else if (auto const t = find<pickle::tensor>(d, "step"); t && t->shape.size() <= 1) {
            std::vector<float> one(1);
            archive_.read(*t, who + ", step", one);
            n = one[0];
        }
        archive_.require(n >= 1 && n <= 16'777'216 && std::floor(n) == n, who + " has no number of steps");
        return static_cast<std::int64_t>(n);
    }

    torch_archive            archive_;
    std::vector<std::size_t> groups_;
    std::size_t              numbered_ = 0;
    std::vector<moments>     all_;
    std::int64_t             step_ = -1;
};

}  // namespace midtrain::inline MT_ABI::io
