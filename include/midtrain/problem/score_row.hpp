#pragma once
#include <utility>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Scores as they are. Attention that carries it is that without any: no instruction remains.
struct unmodified {
    template <class C>
    MT_HOST_DEVICE constexpr C score(C s, index_t, index_t, index_t) const {
        return s;
    }
    template <class C>
    MT_HOST_DEVICE constexpr C slope(C, index_t, index_t, index_t) const {
        return C(1);
    }
};

/// A query's scores times one factor: what for_query() returns where the key does not matter.
struct factor_of_query {
    double by;

    template <class C>
    MT_HOST_DEVICE constexpr C score(C s, index_t) const {
        return s * C(by);
    }
    template <class C>
    MT_HOST_DEVICE constexpr C slope(C, index_t) const {
        return C(by);
    }
};

/// A modifier for one query of one head. `back`: how many tokens before the query the key stands.
template <class Modifier>
class score_row {
    struct asked_each_time {
        Modifier m;
        index_t  query, head;

        template <class C>
        MT_HOST_DEVICE constexpr C score(C s, index_t key) const {
            return m.score(s, query, key, head);
        }
        template <class C>
        MT_HOST_DEVICE constexpr C slope(C s, index_t key) const {
            return m.slope(s, query, key, head);
        }
    };
    static MT_HOST_DEVICE constexpr auto row_of(Modifier const& m, index_t query, index_t head) {
        if constexpr (requires { m.for_query(query, head); }) return m.for_query(query, head);
        else return asked_each_time{m, query, head};
    }

  public:
    MT_HOST_DEVICE constexpr score_row(Modifier const& m, index_t query, index_t head) : row_(row_of(m, query, head)), query_(query) {}

    template <class C>
    MT_HOST_DEVICE constexpr C score(C s, index_t back) const {
        return row_.score(s, query_ - back);
    }
    template <class C>
    MT_HOST_DEVICE constexpr C slope(C s, index_t back) const {
        return row_.slope(s, query_ - back);
    }

  private:
    decltype(row_of(std::declval<Modifier const&>(), index_t{}, index_t{})) row_;
    index_t query_;
};

}  // namespace midtrain::inline MT_ABI
