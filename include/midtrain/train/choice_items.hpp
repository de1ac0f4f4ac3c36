#pragma once
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI {

/// The forms in which items of multiple choice come, named after the data sets whose fields they have. `automatic` tells them apart.
enum class choice_form { automatic, own, hellaswag, arc, openbookqa, piqa, winogrande, boolq, mmlu, last_word };

/// One item: contexts and continuations, of which one or the other differs by choice. A continuation has the space before it. An item
/// of a single choice asks for the last word: right if greedy generation says it.
struct choice_item {
    std::string              description = {};    ///< stands before all, examples too
    std::vector<std::string> contexts, continuations;
    std::vector<std::string> choices;             ///< as the item says them: acc_norm divides by their length
    std::size_t              answer = 0;

    std::string const& context(std::size_t k) const { return contexts[std::min(k, contexts.size() - 1)]; }
    std::string const& continuation(std::size_t k) const { return continuations[std::min(k, continuations.size() - 1)]; }
};

namespace detail {

/// Reads an item of each form into the text that lm-evaluation-harness makes of it (its tasks of the same names).
class choice_reader {
  public:
    choice_reader(io::json const& of, std::string const& where) : of_(&of), where_(&where) {}

    choice_item read(choice_form form) const {
        switch (form == choice_form::automatic ? guess() : form) {
            case choice_form::hellaswag: return hellaswag();
            case choice_form::arc: return by_key("Question: " + text("question") + "\nAnswer:");
            case choice_form::openbookqa: return by_key(text("question_stem"));
            case choice_form::piqa: return simple("Question: " + text("goal") + "\nAnswer:", {text("sol1"), text("sol2")}, whole("label"));
            case choice_form::winogrande: return winogrande();
            case choice_form::boolq: return boolq();
            case choice_form::mmlu: return mmlu();
            case choice_form::last_word: return last_word();
            default: return simple(text(has("context") ? "context" : "question"), texts("choices"), whole("answer"));
        }
    }

  private:
    using json = io::json;

    void require(bool condition, auto const& what) const {
        check(condition, [&] { return *where_ + ": " + what; });
    }
    bool has(char const* name) const { return of_->find(name) != nullptr; }
    choice_form guess() const {
        if (has("endings")) return choice_form::hellaswag;
        if (has("question_stem")) return choice_form::openbookqa;
        if (has("goal")) return choice_form::piqa;
        if (has("option1")) return choice_form::winogrande;
        if (has("passage")) return choice_form::boolq;
        if (has("answerKey")) return choice_form::arc;
        if (has("choices")) return has("subject") ? choice_form::mmlu : choice_form::own;
        require(has("text"),
                "an item of no known form: it has none of endings, question_stem, goal, option1, passage, answerKey, choices, text");
        return choice_form::last_word;
    }
    json const& member(json const& of, char const* name) const {
        auto const v = of.find(name);
        require(v != nullptr, "there is no member '" + std::string(name) + "'");
        return *v;
    }
    std::string const& text(json const& v, char const* name) const {
        require(v.as<std::string>() != nullptr, "the member '" + std::string(name) + "' is not a string");
        return *v.as<std::string>();
    }
    std::string const& text(char const* name) const { return text(member(*of_, name), name); }
    std::vector<std::string> texts(json const& v, char const* name) const {
        require(v.as<json::array>() != nullptr, "the member '" + std::string(name) + "' is not an array");
        std::vector<std::string> all;
        for (auto const& x : *v.as<json::array>()) all.push_back(text(x, name));
        return all;
    }
    std::vector<std::string> texts(char const* name) const { return texts(member(*of_, name), name); }
    // A whole number, also as text or as true and false.
    std::size_t whole(char const* name) const {
        auto const& v = member(*of_, name);
        if (auto const b = v.as<bool>()) return *b;
        double d = -1;
        if (auto const n = v.as<double>()) d = *n;
        if (auto const s = v.as<std::string>(); s && !s->empty() && s->size() < 4 && s->find_first_not_of("0123456789") == s->npos)
            d = std::stod(*s);
        require(d >= 0 && d < 1000 && d == std::floor(d), "the member '" + std::string(name) + "' is not the number of a choice");
        return static_cast<std::size_t>(d);
    }

    choice_item simple(std::string context, std::vector<std::string> choices, std::size_t answer) const {
        require(choices.size() >= 2, "an item needs at least two choices");
        require(answer < choices.size(), "the answer is choice " + std::to_string(answer) + " of " + std::to_string(choices.size()));
        choice_item item{.contexts = {std::move(context)}, .continuations = {}, .choices = std::move(choices), .answer = answer};
        for (auto const& c : item.choices) {
            require(!c.empty(), "a choice is empty");
            item.continuations.push_back(" " + c);
        }
        return item;
    }
    choice_item by_key(std::string context) const {
        auto const& choices = member(*of_, "choices");
        auto const  labels  = texts(member(choices, "label"), "label");
        auto        key     = text("answerKey");
        key.erase(0, std::min(key.size(), key.find_first_not_of(' ')));
        auto const at = std::find(labels.begin(), labels.end(), key);
        require(at != labels.end(), "the answer's key '" + key + "' is none of the labels");
        return simple(std::move(context), texts(member(choices, "text"), "text"), static_cast<std::size_t>(at - labels.begin()));
    }
    choice_item hellaswag() const {
        auto choices = texts("endings");
        for (auto& c : choices) c = without_marks(c);
        std::string context = has("ctx_a") ? text("ctx_a") + " " + capitalized(text("ctx_b")) : text("ctx");
        if (has("activity_label")) context = text("activity_label") + ": " + context;
        return simple(without_marks(context), std::move(choices), whole("label"));
    }
    /// The option stands in the context; what follows it is judged.
    choice_item winogrande() const {
        auto const& sentence = text("sentence");
        auto const  gap      = sentence.find('_');
        auto const  answer   = whole("answer");
        require(gap != sentence.npos, "the sentence has no '_'");
        require(answer == 1 || answer == 2, "the answer is neither 1 nor 2");
        std::vector<std::string> contexts{sentence.substr(0, gap) + text("option1"), sentence.substr(0, gap) + text("option2")};
        auto const rest = stripped(sentence.substr(gap + 1));
        require(!rest.empty(), "nothing follows the '_'");
        return {.contexts = contexts, .continuations = {" " + rest}, .choices = contexts, .answer = answer - 1};
    }
    choice_item boolq() const {
        return simple(text("passage") + "\nQuestion: " + text("question") + "?\nAnswer:", {"no", "yes"},
                      whole(has("label") ? "label" : "answer"));
    }
    choice_item mmlu() const {
        auto const  choices = texts("choices");
        std::string asked   = stripped(text("question"));
        require(choices.size() <= 26, "more than 26 choices have no letters");
        std::vector<std::string> letters;
        for (auto const& c : choices) {
            letters.emplace_back(1, static_cast<char>('A' + letters.size()));
            asked += "\n" + letters.back() + ". " + c;
        }
        auto item = simple(asked + "\nAnswer:", std::move(letters), whole("answer"));
        if (!has("subject")) return item;
        std::string subject = text("subject");
        std::replace(subject.begin(), subject.end(), '_', ' ');
        item.description = "The following are multiple choice questions (with answers) about " + subject + ".\n\n";
        return item;
    }
    choice_item last_word() const {
        auto const& whole_text = text("text");
        auto const  space      = whole_text.rfind(' ');
        require(space != whole_text.npos && space > 0 && space + 1 < whole_text.size(), "the text has no last word");
        return {.contexts      = {whole_text.substr(0, space)},
                .continuations = {whole_text.substr(space)},
                .choices       = {whole_text.substr(space + 1)},
                .answer        = 0};
    }

    static std::string stripped(std::string_view s) {
        constexpr auto spaces = " \t\n\v\f\r";
        auto const     first  = s.find_first_not_of(spaces);
        return first == s.npos ? std::string() : std::string(s.substr(first, s.find_last_not_of(spaces) - first + 1));
    }
    /// The first letter large and the others small, as Python's capitalize() does with ASCII.
    static std::string capitalized(std::string s) {
        for (std::size_t i = 0; i < s.size(); ++i) {
            auto const c = static_cast<unsigned char>(s[i]);
            if (c < 0x80) s[i] = static_cast<char>(i == 0 ? std::toupper(c) : std::tolower(c));
        }
        return s;
    }
    static void replace_all(std::string& s, std::string_view what, std::string_view with) {
        for (std::size_t at = 0; (at = s.find(what, at)) != s.npos; at += with.size()) s.replace(at, what.size(), with);
    }
    /// Without what WikiHow's headings left (lm-evaluation-harness, hellaswag/utils.py).
    static std::string without_marks(std::string_view raw) {
        std::string s = stripped(raw);
        replace_all(s, " [title]", ". ");
        for (std::size_t open = 0; (open = s.find('[', open)) != s.npos;) {
            auto const close = s.find(']', open), line = s.find('\n', open);
            if (close == s.npos || line < close) ++open;
            else s.erase(open, close - open + 1);
        }
        replace_all(s, "  ", " ");
        return s;
    }

    json const*        of_;
    std::string const* where_;
};

}  // namespace detail

/// One item of JSON; `where` names it in errors.
inline choice_item read_choice_item(io::json const& of, std::string const& where, choice_form form = choice_form::automatic) {
    return detail::choice_reader(of, where).read(form);
}

/// The items of a .jsonl file, one object a line; an error names file and line.
inline std::vector<choice_item> read_choice_items(std::string const& path, choice_form form = choice_form::automatic) {
    io::mapped_file const    file(path);
    std::string_view const   all(reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size());
    std::vector<choice_item> items;
    std::int64_t             number = 0;
    for (std::size_t at = 0; at < all.size();) {
        auto const line = all.substr(at, all.find('\n', at) - at);
        at += line.size() + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        auto const where = path + ": line " + std::to_string(number);
        items.push_back(read_choice_item(io::parse_json(line, where), where, form));
    }
    check(!items.empty(), [&] { return path + ": has no items"; });
    return items;
}

}  // namespace midtrain::inline MT_ABI
