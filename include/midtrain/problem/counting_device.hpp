#pragma once
#include <vector>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI {

/// Does nothing and has no memory: a dry run over it finds how much memory a pass needs, and a model on it is a plan of a model.
struct counting_device {
    static constexpr bool shares_memory = true;

    std::vector<attention_size>* attentions = nullptr;  ///< where somebody wants to know which are asked for

    template <class T>
    struct buffer {
        index_t count = 0;

        row_view<T> view() const { return {nullptr, count}; }
        index_t     size() const { return count; }
    };
    template <class T>
    buffer<T> make(index_t n) const {
        return {n};
    }
    template <class T>
    void upload(T const*, row_view<T>) const {}
    template <class T>
    void download(row_view<T const>, T*) const {}
    void wait() const {}

    template <class F>
    void elements(index_t, F const&) {}
    template <class F>
    void rows(index_t, F const&) {}
    template <class Problem>
    void gemm(Problem const&) {}
    template <class Problem>
    void run(Problem const& p) {
        if constexpr (requires { attention_size(size_of(p)); })
            if (attentions) attentions->push_back(size_of(p));
    }
};

}  // namespace midtrain::inline MT_ABI
