#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/pickle_values.hpp>

namespace midtrain::inline MT_ABI::io {

/// What a pickle of plain values and torch tensors says, read without executing anything: no name is looked up, no class is made. Known
/// are the opcodes that torch.save writes in protocol 2, and of all names only those of tensors, their storages and OrderedDict;
/// whatever else a file asks for is refused by its name. Format: Python's pickletools.
class pickle : public pickle_values {
  public:
    /// `where` names the bytes in errors; they must outlive this.
    pickle(std::span<std::byte const> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {
        // A value takes some hundred bytes of memory and one of the file; what describes the largest models has less than a megabyte.
        require(bytes.size() <= 16 << 20, "it has " + std::to_string(bytes.size()) + " bytes, too many to describe weights");
        while (!done_) step(take<std::uint8_t>());
    }
    pickle(pickle&&)            = default;
    pickle& operator=(pickle&&) = delete;

    value const& root() const { return root_; }

  private:
    void require(bool condition, std::string_view what) const {
        check(condition, [&] { return where_ + ": pickle, byte " + std::to_string(at_) + ": " + std::string(what); });
    }
    template <class T>
    T take() {
        require(sizeof(T) <= bytes_.size() - at_, "it ends too early");
        T x;
        std::memcpy(&x, bytes_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return x;
    }
    std::string_view text(std::uint64_t length) {
        require(length <= bytes_.size() - at_, "a text goes on past the end");
        at_ += static_cast<std::size_t>(length);
        return {reinterpret_cast<char const*>(bytes_.data()) + at_ - length, static_cast<std::size_t>(length)};
    }
    std::string_view line() {
        std::string_view const rest(reinterpret_cast<char const*>(bytes_.data()) + at_, bytes_.size() - at_);
        auto const             end = rest.find('\n');
        require(end != rest.npos, "a name does not end");
        at_ += end + 1;
        return rest.substr(0, end);
    }

    template <class T>
    void make(T x) {
        nodes_.push_back({std::move(x)});
        stack_.push_back(&nodes_.back());
    }
    value pop() {
        require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "a value is missing");
        value const v = stack_.back();
        stack_.pop_back();
        return v;
    }
    /// All values above the last mark.
    list pop_to_mark() {
        require(!marks_.empty(), "a mark is missing");
        list all(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
        stack_.resize(marks_.back());
        marks_.pop_back();
        return all;
    }
    /// The container on top of the stack.
    template <class T>
    T& top(std::string_view wanted) {
        require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "a value is missing");
        auto const n = std::get_if<node*>(&stack_.back());
        require(n && std::get_if<T>(&(*n)->is), "there is no " + std::string(wanted) + " to add to");
        return std::get<T>((*n)->is);
    }
    void remember(std::uint32_t place) { memo_[place] = (require(!stack_.empty(), "a value is missing"), stack_.back()); }
    void recall(std::uint32_t place) {
        auto const at = memo_.find(place);
        require(at != memo_.end(), "it recalls what it never remembered");
        stack_.push_back(at->second);
    }
    void make_tuple(int n) {
        list all(static_cast<std::size_t>(n));
        for (int i = n; i-- > 0;) all[static_cast<std::size_t>(i)] = pop();
        make(tuple{std::move(all)});
    }
    void add_pairs(list const& all) {
        auto& to = top<dict>("dict");
        require(all.size() % 2 == 0, "a key has no value");
        for (std::size_t i = 0; i < all.size(); i += 2) to.emplace_back(all[i], all[i + 1]);
    }

    void step(std::uint8_t opcode) {
        switch (opcode) {
            case 0x80: return require(take<std::uint8_t>() == 2, "its protocol is not 2, which torch.save writes");
            case '.': return root_ = pop(), void(done_ = true);
            case '(': return marks_.push_back(stack_.size());
            case '0': return void(pop());
            case 'q': return remember(take<std::uint8_t>());
            case 'r': return remember(take<std::uint32_t>());
            case 'h': return recall(take<std::uint8_t>());
            case 'j': return recall(take<std::uint32_t>());
            case ')': return make(tuple{});
            case ']': return make(list{});
            case '}': return make(dict{});
            case 't': return make(tuple{pop_to_mark()});
            case 'l': return make(pop_to_mark());
            case 0x85: return make_tuple(1);
            case 0x86: return make_tuple(2);
            case 0x87: return make_tuple(3);
            case 'a': return append(list{pop()});
            case 'e': return append(pop_to_mark());
            case 's': return set_one();
            case 'u': return add_pairs(pop_to_mark());
            case 'c': return name();
            case 'Q': return persistent();
            case 'R': return reduce();
            case 'b': return build();
            default: return plain(opcode);
        }
    }
    void plain(std::uint8_t opcode) {
        switch (opcode) {
            case 'N': return stack_.push_back(nullptr);
            case 0x88: return stack_.push_back(true);
            case 0x89: return stack_.push_back(false);
            case 'K': return stack_.push_back(std::int64_t{take<std::uint8_t>()});
            case 'M': return stack_.push_back(std::int64_t{take<std::uint16_t>()});
            case 'J': return stack_.push_back(std::int64_t{take<std::int32_t>()});
            case 0x8a: return whole();
            case 'G': return real();
            case 'X': return stack_.push_back(text(take<std::uint32_t>()));
            default: break;
        }
        static constexpr char digits[] = "0123456789abcdef";
        require(false, std::string("opcode 0x") + digits[opcode >> 4] + digits[opcode & 15] + " is none that a file of weights needs");
    }
    void whole() {
        auto const bytes = take<std::uint8_t>();
        require(bytes <= 8, "a whole number is too large");
        auto const    from = text(bytes);
        std::uint64_t n    = bytes > 0 && static_cast<signed char>(from.back()) < 0 ? ~std::uint64_t{0} : 0;
        std::memcpy(&n, from.data(), from.size());
        stack_.push_back(static_cast<std::int64_t>(n));
    }
    void real() {  // the most significant byte comes first
        std::uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) bits = bits << 8 | take<std::uint8_t>();
        stack_.push_back(std::bit_cast<double>(bits));
    }
    void append(list const& more) {
        auto& to = top<list>("list");
        to.insert(to.end(), more.begin(), more.end());
    }
    void set_one() {
        value const v = pop(), k = pop();
        add_pairs({k, v});
    }
    void name() {
        auto const module = line(), member = line();
        static constexpr std::pair<std::string_view, std::string_view> known[] = {
            {"torch._utils", "_rebuild_tensor_v2"}, {"torch._utils", "_rebuild_parameter"}, {"collections", "OrderedDict"}};
        bool ok = module == "torch" && storage_bytes(member) > 0;
        for (auto const& [m, n] : known) ok = ok || (module == m && member == n);
        require(ok,
                "it asks for '" + std::string(module) + "." + std::string(member) + "', which no weights need: nothing is executed here");
        stack_.push_back(global{member});
    }
    /// ('storage', type, key, where it was, count)
    void persistent() {
        value const v = pop();
        auto const  t = as<tuple>(v);
        require(t && t->all.size() == 5, "a persistent id is no storage");
        auto const word = as<std::string_view>(t->all[0]), key = as<std::string_view>(t->all[2]);
        auto const type  = as<global>(t->all[1]);
        auto const count = as<std::int64_t>(t->all[4]);
        require(word && *word == "storage" && type && storage_bytes(type->name) > 0 && key && count && *count >= 0 &&
                    *count < std::int64_t{1} << 50,
                "a persistent id is no storage");
        make(storage{type->name, *key, *count});
    }
    void reduce() {
        value const arguments = pop(), what = pop();
        auto const  f = as<global>(what);
        auto const  a = as<tuple>(arguments);
        require(f && a, "it calls what is no name");
        if (f->name == "OrderedDict") {
            require(a->all.empty(), "an OrderedDict is not made empty");
            make(dict{});
        } else if (f->name == "_rebuild_parameter") {
            require(!a->all.empty() && as<tensor>(a->all[0]), "a parameter is no tensor");
            stack_.push_back(value(a->all[0]));
        } else {
            require(f->name == "_rebuild_tensor_v2", "it calls '" + std::string(f->name) + "'");
            rebuild(a->all);
        }
    }
    /// storage, offset, shape, strides, ...
    void rebuild(list const& a) {
        require(a.size() >= 4 && as<storage>(a[0]) && as<std::int64_t>(a[1]) && as<tuple>(a[2]) && as<tuple>(a[3]),
                "a tensor is not made of a storage, an offset, a shape and strides");
        tensor t{*as<storage>(a[0]), *as<std::int64_t>(a[1]), sizes(*as<tuple>(a[2])), sizes(*as<tuple>(a[3]))};
        require(t.shape.size() == t.strides.size(), "a tensor has more sizes than strides, or fewer");
        check_reach(t);
        make(std::move(t));
    }
    std::vector<std::int64_t> sizes(tuple const& t) const {
        std::vector<std::int64_t> all;
        for (auto const& v : t.all) {
            auto const n = as<std::int64_t>(v);
            require(n && *n >= 0 && *n < std::int64_t{1} << 50, "a tensor has an impossible shape");
            all.push_back(*n);
        }
        require(all.size() <= 8, "a tensor has more than eight dimensions");
        return all;
    }
    /// Every value of a tensor lies in its storage, and no value is asked for so often that a small file makes a huge tensor.
    void check_reach(tensor const& t) const {
        std::int64_t values = 1, last = t.offset;
        require(t.offset >= 0 && t.offset <= t.of.count, "a tensor lies outside its storage");
        for (std::size_t d = 0; d < t.shape.size(); ++d) {
            if (t.shape[d] == 0) return;
            require(t.shape[d] == 1 || t.strides[d] <= t.of.count / (t.shape[d] - 1), "a tensor lies outside its storage");
            last += t.shape[d] == 1 ? 0 : t.strides[d] * (t.shape[d] - 1);
            require(last < t.of.count && t.shape[d] <= t.of.count / values, "a tensor lies outside its storage");
            values *= t.shape[d];
        }
        require(last < t.of.count, "a tensor lies outside its storage");
    }
    /// Attributes for the object on top: only an OrderedDict has any (a state dict's _metadata), and they say nothing about weights.
    void build() {
        pop();
        top<dict>("dict");
    }

    std::span<std::byte const>               bytes_;
    std::string                              where_;
    std::size_t                              at_ = 0;
    std::deque<node>                         nodes_;  // they stay where they are, and cycles do no harm
    std::vector<value>                       stack_;
    std::vector<std::size_t>                 marks_;
    std::unordered_map<std::uint32_t, value> memo_;
    value                                    root_;
    bool                                     done_ = false;
};

}  // namespace midtrain::inline MT_ABI::io
