#pragma once
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <midtrain/io/hf_words.hpp>
#include <midtrain/problem/state_shape.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// The names under which a family keeps the numbers of its state spaces.
struct hf_state_keys {
    std::string_view states, taps, expand, rank, convolution_bias, bias, activation;
};

/// Those numbers with transformers' defaults; a rank may be "auto", and a family without one has no key for it.
inline void read_state(hf_reader const& r, hf_config& c, hf_state_keys const& key, int states = 16) {
    auto& s  = c.state;
    s.states = r.whole(key.states, states);
    s.taps   = r.whole(key.taps, 4);
    r.require(s.taps <= 8, "'" + std::string(key.taps) + "' is " + std::to_string(s.taps) + "; midtrain's convolutions see up to 8 tokens");
    s.inner            = r.whole(key.expand, 2) * c.width;
    if (!key.rank.empty()) {
        auto const rank      = r.find(key.rank);
        bool const of_itself = !rank || (rank->as<std::string>() && *rank->as<std::string>() == "auto");
        s.rank               = of_itself ? (c.width + 15) / 16 : r.whole(key.rank);
    }
    s.convolution_bias = r.flag(key.convolution_bias, true);
    s.bias             = r.flag(key.bias, false);
    s.step_least       = r.number("time_step_min", 0.001);
    s.step_most        = r.number("time_step_max", 0.1);
    s.step_floor       = r.number("time_step_floor", 1e-4);
    auto const act     = r.text(key.activation, "silu");
    r.require(act == "silu" || act == "swish", "'" + std::string(key.activation) + "' is '" + act + "'; midtrain's state spaces have silu");
}
/// Whether a list of two numbers is 0 and infinity, which transformers 5 writes as {"__float__": "Infinity"}.
inline bool limits_nothing(json const& pair) {
    auto const list = pair.as<json::array>();
    if (!list || list->size() != 2) return false;
    auto const least = (*list)[0].as<double>(), most = (*list)[1].as<double>();
    auto const said  = (*list)[1].find("__float__");
    auto const text  = said ? said->as<std::string>() : nullptr;
    return least && *least == 0 && (most ? *most == std::numeric_limits<double>::infinity() : text && *text == "Infinity");
}

/// transformers 5 takes a 1 without a point for no float; these numbers are of fresh weights only.
inline double not_whole(double x) { return x == std::floor(x) ? std::nextafter(x, 0.0) : x; }

inline void write_state(json::object& o, hf_config const& c, hf_state_keys const& key) {
    auto const& s   = c.state;
    auto const  put = [&](std::string_view name, double v) { o[std::string(name)] = number(v); };
    check(c.width > 0 && s.inner % c.width == 0, "config.json: the channels of a state space are a multiple of the width in transformers");
    put(key.states, s.states), put(key.taps, s.taps), put(key.expand, s.inner / c.width);
    if (!key.rank.empty()) put(key.rank, s.rank);
    put("time_step_min", not_whole(s.step_least)), put("time_step_max", not_whole(s.step_most));
    put("time_step_floor", not_whole(s.step_floor));
    o[std::string(key.convolution_bias)] = {s.convolution_bias};
    o[std::string(key.bias)]             = {s.bias};
    o[std::string(key.activation)]       = {std::string("silu")};
}

}  // namespace midtrain::inline MT_ABI::io::detail
