#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

struct needle_map_options {
    std::string title = "Needle in a haystack";
    double      width = 480;
};

namespace chart {

/// Scores of 0 to 1 as depth against length. A cell says its score: colour alone tells nothing to some readers.
class needle_drawing {
  public:
    needle_drawing(std::vector<needle_value> const& all, needle_map_options const& how) : all_(all), how_(how) {
        for (auto const& v : all) lengths_.push_back(v.length), depths_.push_back(v.depth);
        for_unique(lengths_), for_unique(depths_);
        cell_ = {(how.width - left - 8) / static_cast<double>(lengths_.size()),
                 std::clamp(220.0 / static_cast<double>(depths_.size()), 24.0, 40.0)};
    }

    std::string draw() const {
        double const height = cell_.y * static_cast<double>(depths_.size()), bottom = top + height;
        svg          to(how_.width, bottom + 48, how_.title);
        to.text({left - 8, top - 8}, "depth", 11, "end", "fill=\"#555555\"");
        for (std::size_t d = 0; d < depths_.size(); ++d)
            to.text({left - 8, row(d) + cell_.y / 2 + 4}, number("%.0f %%", 100 * depths_[d]), 11, "end", "fill=\"#555555\"");
        for (std::size_t l = 0; l < lengths_.size(); ++l)
            to.text({column(l) + cell_.x / 2, bottom + 16}, length_label(lengths_[l]), 11, "middle", "fill=\"#555555\"");
        to.text({left + (how_.width - left - 8) / 2, bottom + 36}, "length of the context in tokens", 12, "middle");
        for (auto const& v : all_) cell(to, v);
        return to.finish();
    }

  private:
    static constexpr double left = 52, top = 26;

    static void for_unique(auto& v) {
        std::sort(v.begin(), v.end());
        v.erase(std::unique(v.begin(), v.end()), v.end());
    }
    static std::string length_label(std::int64_t n) {
        return n >= 1024 && n % 1024 == 0 ? std::to_string(n / 1024) + "k" : std::to_string(n);
    }
    double column(std::size_t l) const { return left + cell_.x * static_cast<double>(l); }
    double row(std::size_t d) const { return top + cell_.y * static_cast<double>(d); }

    void cell(svg& to, needle_value const& v) const {
        auto const   l     = static_cast<std::size_t>(std::lower_bound(lengths_.begin(), lengths_.end(), v.length) - lengths_.begin());
        auto const   d     = static_cast<std::size_t>(std::lower_bound(depths_.begin(), depths_.end(), v.depth) - depths_.begin());
        double const score = std::clamp(std::isfinite(v.score) ? v.score : 0.0, 0.0, 1.0);
        to.rectangle(column(l) + 1, row(d) + 1, cell_.x - 2, cell_.y - 2, "rx=\"3\" fill=\"#fafafa\" stroke=\"#e4e4e4\"");
        to.rectangle(column(l) + 1, row(d) + 1, cell_.x - 2, cell_.y - 2,
                     "rx=\"3\" fill=\"#0072B2\" fill-opacity=\"" + number("%.2f", 0.55 * score) + "\"");
        to.text({column(l) + cell_.x / 2, row(d) + cell_.y / 2 + 4}, number("%.0f", 100 * score), 11, "middle", "fill=\"#111111\"");
    }

    std::vector<needle_value> const& all_;
    needle_map_options const&        how_;
    std::vector<std::int64_t>        lengths_;
    std::vector<double>              depths_;
    point                            cell_;  // width and height
};

}  // namespace chart

/// Scores in percent by depth and length, as one self-contained SVG.
inline std::string draw_needle_map(std::vector<needle_value> const& all, needle_map_options const& how = {}) {
    check(!all.empty(), "a map of needles needs at least one score");
    return chart::needle_drawing(all, how).draw();
}

}  // namespace midtrain::inline MT_ABI
