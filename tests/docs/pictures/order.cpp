// Which documents come when, and how they are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/data/fim.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/mixture/by_length.hpp>
#include <midtrain/mixture/by_score.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

/// Documents of so many tokens, each of the document's number.
struct documents_of_numbers {
    std::vector<std::vector<std::int32_t>> all;

    explicit documents_of_numbers(std::vector<std::size_t> const& sizes) {
        for (std::size_t i = 0; i < sizes.size(); ++i) all.emplace_back(sizes[i] - 1, static_cast<std::int32_t>(i));  // and the end token
    }
    std::size_t                      documents() const { return all.size(); }
    std::vector<std::int32_t> const& document(std::int64_t i) const { return all[static_cast<std::size_t>(i)]; }
};

/// One epoch of the same documents in the three ways: a row a sequence, a colour a document.
picture packing() {
    constexpr std::size_t      length = 100;
    documents_of_numbers const store({62, 31, 140, 24, 55, 38, 17, 83, 46, 90});
    struct way {
        char const*            name;
        mt::data::packing_kind kind;
    };
    way const ways[] = {{"concatenate", mt::data::packing_kind::concatenate}, {"best_fit", mt::data::packing_kind::best_fit},
                        {"pad", mt::data::packing_kind::pad}};
    picture p{.name = "packing", .title = "The same ten documents, packed in three ways", .heading = "packing", .x = {"", 0, 3}, .y = {"sequences", 0, 12},
              .y_names = {{0, ""}}};
    for (int w = 0; w < 3; ++w) {
        mt::data::packing         how(store, -1, 1, {.packing = ways[w].kind}, length);
        mt::data::cursor          at;
        std::vector<std::int32_t> inputs(length), targets(length), positions(length), begin(length);
        for (int row = 0; at.epoch == 0; ++row) {
            std::int64_t const padding = at.padding;
            how.fill(at, {inputs, targets, positions, begin});
            auto const used = length - static_cast<std::size_t>(at.padding - padding);
            for (std::size_t i = 0; i < used;) {
                std::size_t const from = i;
                for (++i; i < used && begin[i] == begin[from]; ++i) {}
                double const left = w + 0.06, unit = 0.88 / length;
                p.boxes.push_back({left + unit * static_cast<double>(from), left + unit * static_cast<double>(i), 11.1 - row, 11.9 - row, std::max(inputs[from], -1)});
            }
        }
        p.x_names.push_back({w + 0.5, ways[w].name});
    }
    return p;
}

/// A document in three parts, as it is and rearranged.
picture middle() {
    std::vector<std::int32_t> text(60);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = i < 22 ? 0 : i < 38 ? 1 : 2;
    mt::data::fim const how{.rate = 1, .prefix = 10, .suffix = 10, .middle = 10};
    using order = mt::data::fim_cut::order;
    picture p{.name = "fim", .title = "Filling in the middle", .heading = "fim", .x = {"place in the document", -1, 64}, .y = {"", 0, 3},
              .box_names = {{0, "prefix"}, {1, "middle"}, {2, "suffix"}, {6, "sentinel"}},
              .y_names = {{2.5, "as it is"}, {1.5, "PSM"}, {0.5, "SPM"}}};
    double row = 2;
    for (auto is : {order::none, order::psm, order::spm}) {
        mt::data::fim_view<std::vector<std::int32_t> const&> const seen(text, {is, 22, 38}, how);
        for (std::size_t i = 0; i < seen.size();) {
            std::size_t const from = i;
            for (++i; i < seen.size() && seen[i] == seen[from] && seen[from] != 10; ++i) {}
            p.boxes.push_back({static_cast<double>(from), static_cast<double>(i), row + 0.2, row + 0.8, seen[from] == 10 ? 6 : seen[from]});
        }
        --row;
    }
    return p;
}

scale const tokens_scale{"tokens", 0, stage_tokens, mt::chart::tokens_label};

picture by_length() {
    mt::by_length const policy{.from = {0, 4096, 16384}, .shares = {0.6, 0.25, 0.15}, .at_end = {0.1, 0.25, 0.65}};
    return {.name = "by_length", .title = "Buckets by length", .heading = "by_length", .x = tokens_scale, .y = {"share", 0, 1, share_label},
            .shares = stacked({"below 4k", "4k to 16k", "16k and more"}, 0, stage_tokens, [&](double x) {
                return std::vector<double>{policy.share(0, stage_at(x)), policy.share(1, stage_at(x)), policy.share(2, stage_at(x))};
            })};
}

/// The stretch of quantiles that is drawn from, as the share below it, in it and above it.
picture by_score() {
    mt::by_score const policy{.from = {.low = 0, .high = 0.1}, .to = {.low = 0, .high = 1}, .pace = 0.5};
    mt::by_score const best{.from = {.low = 0, .high = 1}, .to = {.low = 0.8, .high = 1}};
    auto const         high = [&](double x) { return policy.stretch(stage_at(x)).high; };
    auto const         low  = [&](double x) { return best.stretch(stage_at(x)).low; };
    return {.name = "by_score", .title = "Quantiles of a score that documents are drawn from", .heading = "by_score", .x = tokens_scale,
            .y = {"quantile", 0, 1},
            .lines = {line("easy first: up to", look_of(0), 0, stage_tokens, high), line("best last: from", look_of(1), 0, stage_tokens, low)}};
}

}  // namespace

std::vector<picture> of_order() { return {packing(), middle(), by_length(), by_score()}; }

}  // namespace pictures
