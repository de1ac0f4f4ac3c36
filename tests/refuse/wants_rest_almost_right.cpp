// expect: midtrain: an observer has a member wants_rest, but not  bool wants_rest(report const& to_come) const
#include <midtrain/train/wants_rest.hpp>

struct forgot_const {
    bool wants_rest(midtrain::report const&) { return true; }
    template <class Report>
    void operator()(Report const&) const {}
};

bool const rests = midtrain::detail::wants_rest(forgot_const{}, {});
