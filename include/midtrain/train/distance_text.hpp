#pragma once
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/position/any_distance.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// "chunk=3072,local=512": each field once.
template <class Distance>
any_distance distance_from(std::string_view name, std::string_view rest) {
    auto        d     = blank<Distance>();
    std::size_t given = 0;
    auto const  wrong = [&] {
        std::string all;
        for (auto const f : field_names<Distance>) all.append(",").append(f).append("=N");
        return "attention '" + std::string(name) + "' is written " + std::string(name) + all;
    };
    while (!rest.empty()) {
        auto const item = rest.substr(0, rest.find(','));
        rest.remove_prefix(item.size() < rest.size() ? item.size() + 1 : item.size());
        auto const sign  = item.find('=');
        bool       found = false;
        for_each_field(d, [&](std::string_view field, auto& value) {
            if (item.substr(0, sign) != field || sign == item.npos) return;
            index_t    n = 0;
            auto const r = std::from_chars(item.data() + sign + 1, item.data() + item.size(), n);
            found        = r.ec == std::errc{} && r.ptr == item.data() + item.size();
            value        = n;
        });
        check(found, wrong);
        ++given;
    }
    check(given == field_count<Distance>, wrong);
    check(d.fits(), "attention: dual_chunk has chunk > local >= 0, self_extend window >= group >= 1");
    return d;
}

}  // namespace detail

/// How far apart tokens seem, as a command line says it: plain; dual_chunk,chunk=N,local=N; self_extend,group=N,window=N.
inline any_distance read_distance(std::string_view text) {
    auto const name = text.substr(0, text.find(','));
    auto const rest = text.substr(name.size() < text.size() ? name.size() + 1 : name.size());
    if (text == "plain") return {};
    if (name == "dual_chunk") return detail::distance_from<dual_chunk>(name, rest);
    if (name == "self_extend") return detail::distance_from<self_extend>(name, rest);
    check(false, [&] { return "attention '" + std::string(text) + "' is none of plain, dual_chunk and self_extend"; });
    return {};
}

}  // namespace midtrain::inline MT_ABI
