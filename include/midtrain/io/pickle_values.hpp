#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace midtrain::inline MT_ABI::io {

/// The kinds of values that a pickle of weights holds.
struct pickle_values {
    struct node;

    /// A storage: numbers of one type in an entry of the file.
    struct storage {
        std::string_view type;  ///< FloatStorage, HalfStorage, ...
        std::string_view key;
        std::int64_t     count = 0;
    };
    /// Strides over a storage, all in values.
    struct tensor {
        storage                   of;
        std::int64_t              offset = 0;
        std::vector<std::int64_t> shape, strides;
    };
    /// A name that stands for something of Python's: "torch FloatStorage".
    struct global {
        std::string_view name;
    };
    using value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string_view, global, node*>;
    using list  = std::vector<value>;
    using dict  = std::vector<std::pair<value, value>>;
    struct tuple {
        list all;
    };
    /// What may be shared, or hold other values.
    struct node {
        std::variant<list, tuple, dict, storage, tensor> is;
    };

    /// The bytes of one value of a storage type, or 0.
    static int storage_bytes(std::string_view type) {
        static constexpr std::pair<std::string_view, int> known[] = {
            {"DoubleStorage", 8}, {"FloatStorage", 4}, {"HalfStorage", 2},  {"BFloat16Storage", 2}, {"LongStorage", 8},
            {"IntStorage", 4},    {"ShortStorage", 2}, {"CharStorage", 1}, {"ByteStorage", 1},     {"BoolStorage", 1}};
        for (auto const& [name, bytes] : known)
            if (name == type) return bytes;
        return 0;
    }

    /// A value as T, or nullptr: bool, std::int64_t, double, std::string_view; list, tuple, dict, tensor.
    template <class T>
    static T const* as(value const& v) {
        if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string_view> && !std::is_same_v<T, global>) {
            auto const n = std::get_if<node*>(&v);
            return n ? std::get_if<T>(&(*n)->is) : nullptr;
        } else
            return std::get_if<T>(&v);
    }
    /// The value of a dict under a text, or nullptr.
    static value const* find(dict const& d, std::string_view key) {
        for (auto const& [k, v] : d)
            if (auto const name = as<std::string_view>(k); name && *name == key) return &v;
        return nullptr;
    }
};

}  // namespace midtrain::inline MT_ABI::io
