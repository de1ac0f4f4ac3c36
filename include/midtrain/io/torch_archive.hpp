#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/pickle.hpp>
#include <midtrain/io/zip_file.hpp>

namespace midtrain::inline MT_ABI::io {

/// What torch.save wrote, since PyTorch 1.6: a zip file with a pickle and the storages beside it. Nothing is executed; see pickle.hpp.
class torch_archive {
  public:
    explicit torch_archive(std::string path)
        : zip_((refuse_old_form(path), std::move(path))), prefix_(find_prefix()), pickle_(read_pickle()) {
        auto const order = zip_.find(prefix_ + "byteorder");
        require(!order || text_of(*order) == "little", "its numbers are big endian");
    }

    std::string const&   path() const { return zip_.path(); }
    pickle::value const& root() const { return pickle_.root(); }

    void require(bool condition, std::string_view what) const {
        check(condition, [&] { return path() + ": " + std::string(what); });
    }

    /// All values of a tensor in the order of its shape, as floats. `name` is for errors.
    void read(pickle::tensor const& t, std::string_view name, std::span<float> to) const {
        std::int64_t values = 1;
        for (auto n : t.shape) values *= n;
        require(std::ssize(to) == values, "tensor '" + std::string(name) + "' has another number of values than it is read into");
        auto const bytes = bytes_of(t.of, name);
        if (t.of.type == "FloatStorage") copy<float>(t, bytes, to);
        else if (t.of.type == "HalfStorage") copy<f16>(t, bytes, to);
        else if (t.of.type == "BFloat16Storage") copy<bf16>(t, bytes, to);
        else if (t.of.type == "DoubleStorage") copy<double>(t, bytes, to);
        else require(false, "tensor '" + std::string(name) + "' has values of " + std::string(t.of.type) + "; weights are of floats");
    }

  private:
    static void refuse_old_form(std::string const& path) {
        static constexpr unsigned char magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
        mapped_file const              file(path);
        bool const old = file.bytes().size() >= sizeof magic && std::memcmp(file.bytes().data(), magic, sizeof magic) == 0;
        check(!old, [&] { return path + ": has the form of PyTorch before 1.6: load it there and save it again, or as safetensors"; });
    }
    static std::string_view text_of(std::span<std::byte const> b) { return {reinterpret_cast<char const*>(b.data()), b.size()}; }

    /// The folder within the file: "archive/".
    std::string find_prefix() const {
        std::string found;
        for (auto const& [name, bytes] : zip_.entries())
            if (name == "data.pkl" || name.ends_with("/data.pkl")) {
                require(found.empty(), "holds two pickles");
                found = name;
            }
        require(!found.empty(), "is a zip file, but holds no data.pkl as torch.save writes it");
        return found.substr(0, found.size() - std::string_view("data.pkl").size());
    }
    pickle read_pickle() const { return {*zip_.find(prefix_ + "data.pkl"), path()}; }

    std::span<std::byte const> bytes_of(pickle::storage const& s, std::string_view name) const {
        auto const bytes = zip_.find(prefix_ + "data/" + std::string(s.key));
        require(bytes != nullptr, "lacks the storage '" + std::string(s.key) + "' of tensor '" + std::string(name) + "'");
        require(static_cast<std::int64_t>(bytes->size()) / pickle::storage_bytes(s.type) >= s.count,
                "holds less of the storage '" + std::string(s.key) + "' than tensor '" + std::string(name) + "' needs");
        return *bytes;
    }

    template <class T>
    static void copy(pickle::tensor const& t, std::span<std::byte const> from, std::span<float> to) {
        std::vector<std::int64_t> at(t.shape.size());
        std::int64_t              place = t.offset;
        for (auto& x : to) {
            T one;
            std::memcpy(static_cast<void*>(&one), from.data() + place * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
            x = static_cast<float>(one);
            for (std::size_t d = at.size(); d-- > 0;) {  // on to the next, the last dimension first
                place += t.strides[d];
                if (++at[d] < t.shape[d]) break;
                place -= t.strides[d] * t.shape[d];
                at[d] = 0;
            }
        }
    }

    zip_file    zip_;
    std::string prefix_;
    pickle      pickle_;
};

}  // namespace midtrain::inline MT_ABI::io
