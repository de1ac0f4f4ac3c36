#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/view.hpp>

// What every communicator promises, for ranks whose memory the host reads. Each rank calls it at the same time; it returns the first thing
// that breaks the law on that rank, and nothing where all holds:
//   BOOST_TEST(laws::communicator(ranks) == "");
namespace laws {

namespace comm {

namespace mt = midtrain;

/// What rank r brings: values of very different sizes, so that another order of adding is another sum.
template <class T>
std::vector<T> brought(int r, mt::index_t n, std::uint64_t what) {
    mt::random_stream const draws{what, static_cast<std::uint64_t>(r)};
    std::vector<T>          all(static_cast<std::size_t>(n));
    for (mt::index_t i = 0; i < n; ++i) {
        auto const k  = static_cast<std::uint64_t>(i);
        auto&      to = all[static_cast<std::size_t>(i)];
        if constexpr (std::is_same_v<T, std::byte>) to = static_cast<std::byte>(draws.bits(k) & 255u);
        else if constexpr (std::is_integral_v<T>) to = static_cast<T>(draws.bits(k) % 1000) - 500;
        else {
            double const scale = 1 << (draws.bits(k) >> 32) % 16;
            to = static_cast<T>(static_cast<mt::computed_t<T>>((draws.uniform(k) - 0.5) * scale));
        }
    }
    return all;
}

/// The sum over the ranks, one after the other; bfloat16 in float, rounded once.
template <class T>
std::vector<T> added(int ranks, mt::index_t n, std::uint64_t what) {
    using total = std::conditional_t<std::is_same_v<T, mt::bf16>, float, T>;
    std::vector<std::vector<T>> parts;
    for (int r = 0; r < ranks; ++r) parts.push_back(brought<T>(r, n, what));
    std::vector<T> all(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < all.size(); ++i) {
        total t = static_cast<total>(parts[0][i]);
        for (std::size_t r = 1; r < parts.size(); ++r) t += static_cast<total>(parts[r][i]);
        all[i] = static_cast<T>(t);
    }
    return all;
}

template <class T>
mt::row_view<T> view(std::vector<T>& v) {
    return {v.data(), static_cast<mt::index_t>(v.size())};
}
template <class T>
mt::row_view<T const> view(std::vector<T> const& v) {
    return {v.data(), static_cast<mt::index_t>(v.size())};
}
template <class T>
bool same(std::vector<T> const& a, std::vector<T> const& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
template <class T>
std::vector<T> part(std::vector<T> const& all, int r, int ranks) {
    auto const n = static_cast<std::ptrdiff_t>(all.size()) / ranks;
    return {all.begin() + r * n, all.begin() + (r + 1) * n};
}

/// The first broken law.
class verdict {
  public:
    explicit verdict(std::string what) : what_(std::move(what)) {}
    void operator()(bool holds, std::string const& law) {
        if (!holds && broken_.empty()) broken_ = law + " of " + what_;
    }
    std::string const& broken() const { return broken_; }

  private:
    std::string what_, broken_;
};

/// The sum, and that all hold the same bits of it, twice the same; where the ranks say that they add in order, those of that order.
template <class T, class C>
void judge_sum(C& ranks, mt::index_t n, verdict& law) {
    int const  me = ranks.rank(), size = ranks.size();
    auto       mine = brought<T>(me, n, 1), again = mine;
    auto const ordered = added<T>(size, n, 1);
    ranks.sum(view(mine));
    ranks.sum_async(view(again)).wait();
    law(same(mine, again), "sum: twice the same bits");
    std::vector<T> first = mine;
    ranks.broadcast(view(first), size - 1);
    law(same(mine, first), "sum: all ranks hold the same bits");
    bool in_order = std::is_integral_v<T> || size <= 2;
    if constexpr (requires { C::sums_in_order; }) in_order = in_order || C::sums_in_order;
    if (in_order) law(same(mine, ordered), "sum: the order of the ranks");
    for (std::size_t i = 0; i < mine.size(); ++i) {
        double const a = static_cast<double>(mine[i]), b = static_cast<double>(ordered[i]), bound = std::is_same_v<T, mt::bf16> ? 300 : 1e-1;
        law(a - b <= bound * size && b - a <= bound * size, "sum: a sum");
    }

    auto const     all = brought<T>(me, n * size, 2);
    auto const     whole = added<T>(size, n * size, 2);
    std::vector<T> own(static_cast<std::size_t>(n));
    ranks.reduce_scatter(view(all), view(own));
    if (in_order) law(same(own, part(whole, me, size)), "reduce_scatter: part r of the sum");
    auto in_place = all;
    auto at       = view(in_place).part(me * n, n);
    ranks.reduce_scatter_async(mt::row_view<T const>(view(in_place)), at).wait();
    law(same(own, part(in_place, me, size)), "reduce_scatter: the same in place and async");
}

template <class T, class C>
void judge_moves(C& ranks, mt::index_t n, verdict& law) {
    int const      me = ranks.rank(), size = ranks.size();
    auto const     mine = brought<T>(me, n, 3);
    std::vector<T> all(static_cast<std::size_t>(n * size)), each;
    for (int r = 0; r < size; ++r)
        for (auto x : brought<T>(r, n, 3)) each.push_back(x);
    ranks.all_gather(view(mine), view(all));
    law(same(all, each), "all_gather: all parts in order");
    auto in_place = brought<T>(99, n * size, 4);
    std::copy(mine.begin(), mine.end(), in_place.begin() + me * n);
    ranks.all_gather_async(mt::row_view<T const>(view(in_place).part(me * n, n)), view(in_place)).wait();
    law(same(in_place, each), "all_gather: the same in place and async");

    auto const     letters = brought<T>(me, n * size, 5);
    std::vector<T> got(static_cast<std::size_t>(n * size)), later = got;
    ranks.all_to_all(view(letters), view(got));
    ranks.all_to_all_async(view(letters), view(later)).wait();
    law(same(got, later), "all_to_all: the same async");
    for (int r = 0; r < size; ++r)
        law(same(part(got, r, size), part(brought<T>(r, n * size, 5), me, size)), "all_to_all: part r from rank r");

    for (int from = 0; from < size; ++from) {
        auto spread = brought<T>(me, n, 6), also = spread;
        ranks.broadcast(view(spread), from);
        ranks.broadcast_async(view(also), from).wait();
        law(same(spread, brought<T>(from, n, 6)) && same(also, spread), "broadcast: what one rank has");
    }
}

/// From each to the next around a ring, all at once with tickets, two letters under way, asked for in order and opened in the other; then
/// blocking, even ranks first.
template <class T, class C>
void judge_letters(C& ranks, mt::index_t n, verdict& law) {
    int const me = ranks.rank(), size = ranks.size(), next = (me + 1) % size, before = (me + size - 1) % size;
    if (size == 1) return;
    auto const     one = brought<T>(me, n, 7), two = brought<T>(me, n + 3, 8);
    std::vector<T> first(one.size()), second(two.size());
    auto sent_one = ranks.send_async(view(one), next), sent_two = ranks.send_async(view(two), next);
    auto get_one = ranks.receive_async(view(first), before), get_two = ranks.receive_async(view(second), before);
    get_two.wait(), get_one.wait(), sent_one.wait(), sent_two.wait();
    law(same(first, brought<T>(before, n, 7)) && same(second, brought<T>(before, n + 3, 8)), "send and receive: in order, around a ring");
    auto kept = one;
    if (me % 2 == 0) ranks.send(view(one), next), ranks.receive(view(kept), before);
    else ranks.receive(view(kept), before), ranks.send(view(one), next);
    law(same(kept, brought<T>(before, n, 7)), "send and receive: blocking");
}

/// Several verbs under way, and the tickets waited for in the other order.
template <class C>
void judge_tickets(C& ranks, verdict& law) {
    int const          me = ranks.rank(), size = ranks.size();
    mt::index_t const  n = 1000;
    auto               a = brought<float>(me, n, 9), b = brought<float>(me, n, 10);
    auto const         c = brought<double>(me, n, 11);
    std::vector<double> all(static_cast<std::size_t>(n * size));
    auto               first = ranks.sum_async(view(a));
    auto               second = ranks.sum_async(view(b));
    auto               third  = ranks.all_gather_async(view(c), view(all));
    third.wait(), second.wait(), first.wait();
    auto a_now = brought<float>(me, n, 9), b_now = brought<float>(me, n, 10);
    ranks.sum(view(a_now)), ranks.sum(view(b_now));
    law(same(a, a_now) && same(b, b_now), "tickets: sums under way are those at once");
    law(same(part(all, size - 1, size), brought<double>(size - 1, n, 11)), "tickets: a gather behind sums");
}

template <class C>
void judge_split(C& ranks, verdict& law) {
    int const me = ranks.rank(), size = ranks.size();
    auto      mine = ranks.split(me % 2);
    law(mine.size() == (size + (me % 2 == 0)) / 2 && mine.rank() == me / 2, "split: those of one colour, in order");
    std::vector<std::int64_t> numbers{me, 1}, apart{0, 0};
    mine.sum(view(numbers));
    for (int r = me % 2; r < size; r += 2) apart[0] += r, ++apart[1];
    law(same(numbers, apart), "split: sums of one colour");
    auto alone = ranks.split(me);
    law(alone.size() == 1 && alone.rank() == 0, "split: each for itself");
}

template <class T, class C>
std::string judge_type(C& ranks, char const* name, mt::index_t n) {
    verdict law(std::to_string(n) + " " + name + " on " + std::to_string(ranks.size()) + " ranks");
    if constexpr (!std::is_same_v<T, std::byte>) judge_sum<T>(ranks, n, law);
    judge_moves<T>(ranks, n, law);
    judge_letters<T>(ranks, n, law);
    return law.broken();
}

}  // namespace comm

/// All laws of a communicator, for every type that travels and sizes that do not divide.
template <midtrain::Communicator C>
std::string communicator(C& ranks) {
    std::string broken;
    auto const  judge = [&](std::string const& what) { broken = broken.empty() ? what : broken; };
    for (midtrain::index_t n : {0, 1, 7, 257, 40'001}) {
        judge(comm::judge_type<float>(ranks, "floats", n));
        judge(comm::judge_type<double>(ranks, "doubles", n));
        judge(comm::judge_type<midtrain::bf16>(ranks, "bfloat16", n));
        judge(comm::judge_type<std::int32_t>(ranks, "int32", n));
        judge(comm::judge_type<std::int64_t>(ranks, "int64", n));
        judge(comm::judge_type<std::byte>(ranks, "bytes", n));
    }
    comm::verdict law("communicators of " + std::to_string(ranks.size()) + " ranks");
    comm::judge_tickets(ranks, law);
    if (ranks.size() > 1) comm::judge_split(ranks, law);
    judge(law.broken());
    return broken;
}

}  // namespace laws
