#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// Where the bar is shown: a line that is redrawn, or lines that stay, for a file. `automatic` asks whether it is a terminal.
enum class progress_form { automatic, terminal, log };

struct progress_options {
    std::FILE*    to    = stderr;
    progress_form form  = progress_form::automatic;
    int           width = 0;  ///< columns; 0: as many as the terminal has
};

/// An observer that shows where the run stands. On a terminal one line, redrawn at most ten times a second and never longer than the
/// terminal is wide: what matters least goes first. Elsewhere a line every ten seconds and at both ends of each stage. Colour only on
/// a terminal, and none when NO_COLOR is set (no-color.org).
class progress_bar {
  public:
    explicit progress_bar(progress_options how = {}) : how_(how) {
        auto const set = [](char const* name) {
            auto const v = std::getenv(name);
            return v && *v;
        };
        auto const term = std::getenv("TERM");
        bool const dumb = term && std::string_view(term) == "dumb";
        if (how_.form == progress_form::automatic)
            how_.form = ::isatty(::fileno(how_.to)) == 1 && !dumb ? progress_form::terminal : progress_form::log;
        colour_ = how_.form == progress_form::terminal && !dumb && !set("NO_COLOR");
    }
    ~progress_bar() {
        if (open_) std::fputs("\n", how_.to);
    }
    progress_bar(progress_bar const&)            = delete;
    progress_bar& operator=(progress_bar const&) = delete;

    void operator()(report const& r) {
        show(r, seconds_now());
    }

    /// The same at a moment given in seconds.
    void show(report const& r, double now) {
        bool const first = r.stage_number != stage_, last = r.at.seen >= r.at.budget;
        stage_ = r.stage_number;
        if (first) tokens_ = seconds_ = 0;
        double const keep = std::exp(-r.seconds / 10);  // of a speed averaged over about ten seconds
        tokens_           = keep * tokens_ + static_cast<double>(r.at.batch.count);
        seconds_          = keep * seconds_ + r.seconds;
        bool const terminal = how_.form == progress_form::terminal;
        if (!first && !last && now - shown_ < (terminal ? 0.1 : 10.0)) return;
        shown_ = now;
        if (terminal) draw(r, last);
        else std::fputs((joined(pieces(r, false), "  ") + "\n").c_str(), how_.to);
        std::fflush(how_.to);
    }

  private:
    struct piece {
        std::string text;
        int         rank;  ///< 0 stays; the highest goes first
    };

    std::vector<piece> pieces(report const& r, bool short_names) const {
        std::vector<piece> all;
        auto const         stages = std::to_string(r.stage_number) + "/" + std::to_string(r.stage_count) + " ";
        all.push_back({(short_names ? stages : "stage " + stages) + std::string(r.stage), 0});
        char text[64];
        std::snprintf(text, sizeof text, short_names ? "%3.0f%%" : "%5.1f%%", std::floor(1000 * r.at.share()) / 10);
        all.push_back({text, 0});
        all.push_back({"step " + std::to_string(r.step), 4});
        std::snprintf(text, sizeof text, "loss %.4f", r.loss);
        all.push_back({text, 1});
        std::snprintf(text, sizeof text, "rate %.2e", r.rate);
        all.push_back({text, 5});
        all.push_back({written_count(seconds_ > 0 ? tokens_ / seconds_ : 0) + (short_names ? " tok/s" : " tokens/s"), 3});
        std::string weights;
        for (std::size_t i = 0; i < r.sources.size(); ++i) {
            std::snprintf(text, sizeof text, " %.2f", r.weights[i]);
            weights += (i > 0 ? ", " : "") + r.sources[i] + text;
        }
        all.push_back({weights, 6});
        all.push_back({(last_of(r) ? "done" : written_duration(r.seconds_left) + " left"), 2});
        return all;
    }
    static bool last_of(report const& r) { return r.stage_number == r.stage_count && r.at.seen >= r.at.budget; }

    static std::string joined(std::vector<piece> const& all, std::string_view between) {
        std::string s;
        for (auto const& p : all) s.append(s.empty() ? "" : between).append(p.text);
        return s;
    }
    /// Columns of UTF-8 text, one a character.
    static int columns(std::string_view s) {
        return static_cast<int>(std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    }
    static std::string cut(std::string s, int most) {
        while (columns(s) > most) {
            while (!s.empty() && (static_cast<unsigned char>(s.back()) & 0xc0) == 0x80) s.pop_back();
            s.pop_back();
        }
        return s;
    }

    int width() const {
        if (how_.width > 0) return how_.width;
        struct winsize size {};
        if (::ioctl(::fileno(how_.to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
        return 80;
    }
    /// Pieces leave until a bar of ten fits beside those that stay; the last column stays empty, since some terminals wrap there.
    void draw(report const& r, bool last) {
        int const room = std::max(1, width() - 1);
        auto      all  = pieces(r, true);
        auto const left = [&] { return room - columns(joined(all, "  ")) - 2; };  // for the bar and what separates it
        while (left() < 10) {
            auto const worst = std::max_element(all.begin(), all.end(), [](piece const& a, piece const& b) { return a.rank < b.rank; });
            if (worst->rank == 0) break;
            all.erase(worst);
        }
        auto const head  = cut(all.front().text, room);
        int const  bar   = std::min(left(), 32);
        auto const share = std::clamp(r.at.share(), 0.0, 1.0);
        std::string line = "\r" + std::string(colour_ ? "\x1b[1m" : "") + head + (colour_ ? "\x1b[0m" : "");
        if (bar >= 4) {
            auto const inside = bar - 2, full = static_cast<int>(share * inside);
            std::string const done(static_cast<std::size_t>(full), '='), todo(static_cast<std::size_t>(inside - full), ' ');
            line += "  [" + std::string(colour_ ? "\x1b[32m" : "") + done + (colour_ ? "\x1b[0m" : "") + todo + "]";
        }
        all.erase(all.begin());
        auto const rest = joined(all, "  ");
        if (columns(head) + 2 + columns(rest) <= room) line += "  " + rest;
        line += "\x1b[K";
        if (last) line += "\n";
        open_ = !last;
        std::fputs(line.c_str(), how_.to);
    }

    progress_options how_;
    bool             colour_ = false, open_ = false;
    int              stage_  = 0;
    double           shown_ = 0, tokens_ = 0, seconds_ = 0;
};

}  // namespace midtrain::inline MT_ABI
