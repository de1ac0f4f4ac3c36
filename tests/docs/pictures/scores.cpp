// What becomes of scores, of layers and of distances.
#include <string>
#include <utility>
#include <vector>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/dual_chunk.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/self_extend.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <midtrain/position/xpos.hpp>
#include <midtrain/problem/distance.hpp>
#include <midtrain/problem/layer_kind.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

picture alibi() {
    mt::alibi const policy{.heads = 8};
    auto const      head = [&](std::string name, std::size_t n, mt::index_t h) {
        return points(std::move(name), look_of(n), 128, [&](double d) { return policy.score(0.0, 127, 127 - static_cast<mt::index_t>(d), h); });
    };
    return {.name = "alibi", .title = "ALiBi's bias in four of eight heads", .heading = "alibi", .x = {"distance", 0, 127}, .y = {"bias", -64, 2},
            .lines = {head("head 1", 0, 0), head("head 2", 1, 1), head("head 4", 2, 3), head("head 8", 3, 7)}};
}

picture heat() {
    auto const factor = [](std::string name, std::size_t n, auto const& policy) {
        return line(std::move(name), look_of(n), 512, 524'288, [&](double q) { return policy.factor(static_cast<mt::index_t>(q)); }, true);
    };
    return {.name = "heat", .title = "What a query's scores are multiplied by", .heading = "logn, query_temperature",
            .x = {"query", 512, 524'288, mt::chart::tokens_label, true}, .y = {"factor", 0.95, 1.8},
            .lines = {factor("logn, 2048", 0, mt::logn{.trained = 2048}), factor("query_temperature", 1, mt::query_temperature{})}};
}

picture cap() {
    auto const over = [](std::string name, look style, auto const& f) { return line(std::move(name), style, -150, 150, f); };
    return {.name = "soft_cap", .title = "Scores that stay within a cap", .heading = "soft_cap", .x = {"score", -150, 150}, .y = {"what becomes of it", -80, 80},
            .lines = {over("cap 50", look_of(0), [](double s) { return mt::soft_cap{.cap = 50}.score(s, 0, 0, 0); }),
                      over("cap 20", look_of(1), [](double s) { return mt::soft_cap{.cap = 20}.score(s, 0, 0, 0); }),
                      line("none", {"#777777", "2 3"}, -80, 80, [](double s) { return s; })}};
}

picture decay() {
    mt::xpos const policy{.base = 1e4, .length = 4096};
    auto const     pair = [&](std::string name, std::size_t n, mt::index_t i) {
        return line(std::move(name), look_of(n), 0, 4095, [&](double d) {
            return policy.growth(i, 128, 4095, 4096) / policy.growth(i, 128, 4095 - static_cast<mt::index_t>(d), 4096);
        });
    };
    return {.name = "xpos", .title = "How pairs decay with the distance", .heading = "xpos", .x = {"distance", 0, 4095}, .y = {"factor of a score", 0, 1.05},
            .lines = {pair("pair 0", 0, 0), pair("pair 32", 1, 32), pair("pair 56", 2, 56), pair("pair 63", 3, 63)}};
}

/// A row a kind of shape, a box a layer.
picture layers() {
    picture p{.name = "layers", .title = "Kinds of layers", .heading = "", .x = {"layer", -0.5, 23.5}, .y = {"", 0, 3},
              .box_names = {{0, "turns"}, {1, "turns nothing"}, {2, "window"}},
              .y_names = {{2.5, "NoPE, 4"}, {1.5, "windows, 6"}, {0.5, "windows, 4"}}};
    for (int n = 0; n < 24; ++n) {
        mt::layer_kind const kinds[] = {{mt::rotary_but_every(4, n)}, {.window = mt::window_but_every(6, n, 1024)}, {.window = mt::window_but_every(4, n, 4096)}};
        for (int row = 0; row < 3; ++row) {
            int const colour = kinds[row].window > 0 ? 2 : kinds[row].how == mt::positions::none ? 1 : 0;
            p.boxes.push_back({n - 0.45, n + 0.45, 2.2 - row, 2.8 - row, colour});
        }
    }
    return p;
}

/// How far off a key seems that stands so far off, to the last query of 16,384.
template <class Distance>
series seen(std::string name, look style, Distance const& d, mt::index_t up_to = 16'383) {
    constexpr mt::index_t query = 16'383;
    return line(std::move(name), style, 0, static_cast<double>(up_to), [&](double apart) {
        mt::index_t const key  = query - static_cast<mt::index_t>(apart);
        int               form = 0;
        while (key < d.first_key(form, query)) ++form;
        return static_cast<double>(d.query_position(form, query) - d.key_position(d.key_form(form), key));
    });
}
picture distances() {
    return {.name = "distances", .title = "How far apart tokens seem", .heading = "dual_chunk, self_extend",
            .x = {"distance", 0, 16'383, mt::chart::tokens_label}, .y = {"seems", 0, 4500, mt::chart::tokens_label},
            .lines = {seen("dual_chunk", look_of(0), mt::dual_chunk{.chunk = 3072, .local = 512}),
                      seen("self_extend", look_of(1), mt::self_extend{.group = 8, .window = 1024}), seen("as it is", {"#777777", "2 3"}, mt::as_they_stand{}, 4500)}};
}

}  // namespace

std::vector<picture> of_scores() { return {alibi(), heat(), cap(), decay(), distances(), layers()}; }

}  // namespace pictures
