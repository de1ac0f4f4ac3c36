#pragma once
#include <array>
#include <barrier>
#include <bit>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>
#include <midtrain/core/pack.hpp>

namespace test {

/// A warp of a GPU's block, played by one thread: 32 lanes one after the other, and what a warp does as one as the PTX ISA describes it
/// (ldmatrix; mma.m16n8k16 with bf16). Copies to shared memory are done as late as may be: when they are waited for.
class played_warp {
  public:
    template <class V>
    using of_lanes = std::array<V, 32>;

    played_warp(std::barrier<>& block, int number) : block_(&block), number_(number) {}

    int number() const { return number_; }
    template <class F>
    void each(F f) const {
        for (int lane = 0; lane < 32; ++lane) f(lane);
    }
    template <class V>
    static V& of(std::array<V, 32>& v, int lane) {
        return v[static_cast<std::size_t>(lane)];
    }
    template <class V>
    static V const& of(std::array<V, 32> const& v, int lane) {
        return v[static_cast<std::size_t>(lane)];
    }

    void copy16(void* to, void const* from, bool real) const { begun_.push_back({to, from, real}); }
    void commit() const {
        batches_.push_back(std::move(begun_));
        begun_.clear();
    }
    template <int n>
    void wait() const {
        for (; batches_.size() > n; batches_.pop_front())
            for (auto const& c : batches_.front())
                if (c.real) std::memcpy(c.to, c.from, 16);
                else std::memset(c.to, 0, 16);
    }
    void meet_block() const { block_->arrive_and_wait(); }

    /// Lane l gets, of matrix x, elements 2 (l % 4) and the next of row l / 4; turned: row 2 (l % 4) and the next of column l / 4.
    template <bool turned, class At>
    void load4(of_lanes<midtrain::pack<unsigned, 4>>& to, At at) const {
        for (int lane = 0; lane < 32; ++lane)
            for (int x = 0; x < 4; ++x) {
                unsigned short both[2];
                for (int half = 0; half < 2; ++half) {
                    int const row = turned ? lane % 4 * 2 + half : lane / 4, column = turned ? lane / 4 : lane % 4 * 2 + half;
                    std::memcpy(both + half, at(8 * x + row) + column, 2);
                }
                std::memcpy(&of(to, lane)[x], both, 4);
            }
    }
    /// The b of 8 columns is half `which` of what load4 gave.
    void multiply(of_lanes<midtrain::pack<float, 4>>& sum, of_lanes<midtrain::pack<unsigned, 4>> const& a,
                  of_lanes<midtrain::pack<unsigned, 4>> const& b, int which) const {
        float x[16][16], y[16][8];
        for (int lane = 0; lane < 32; ++lane)
            for (int half = 0; half < 2; ++half) {
                for (int r = 0; r < 4; ++r) x[lane / 4 + r % 2 * 8][lane % 4 * 2 + half + r / 2 * 8] = value(of(a, lane)[r], half);
                for (int r = 0; r < 2; ++r) y[lane % 4 * 2 + half + r * 8][lane / 4] = value(of(b, lane)[2 * which + r], half);
            }
        for (int lane = 0; lane < 32; ++lane)
            for (int r = 0; r < 4; ++r)
                for (int k = 0; k < 16; ++k) of(sum, lane)[r] += x[lane / 4 + r / 2 * 8][k] * y[k][lane % 4 * 2 + r % 2];
    }

    /// Lane l's sum of v[l], as a tree over lanes 16, 8, ... 1 apart.
    template <class C>
    void sum_each(of_lanes<midtrain::pack<C, 32>>& v, of_lanes<C>& to) const {
        for (int i = 0; i < 32; ++i) {
            std::array<C, 32> x;
            for (int lane = 0; lane < 32; ++lane) of(x, lane) = of(v, lane)[i];
            for (int half = 16; half > 0; half /= 2)
                for (int lane = 0; lane < half; ++lane) of(x, lane) += of(x, lane + half);
            of(to, i) = x[0];
        }
    }

  private:
    struct copy {
        void*       to;
        void const* from;
        bool        real;
    };
    static float value(unsigned word, int half) {
        return std::bit_cast<float>(half == 0 ? word << 16 : word & 0xffff0000u);
    }

    std::barrier<>*                       block_;
    int                                   number_;
    mutable std::vector<copy>             begun_;
    mutable std::deque<std::vector<copy>> batches_;
};

/// f(warp, block) for all warps of so many blocks, which run one after the other.
template <class F>
void play_blocks(int blocks, int warps, F f) {
    for (int b = 0; b < blocks; ++b) {
        std::barrier<>            meet(warps);
        std::vector<std::jthread> threads;
        for (int w = 0; w < warps; ++w) threads.emplace_back([&, w] { f(played_warp(meet, w), b); });
    }
}

}  // namespace test
