#pragma once
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/train/hf_models.hpp>

namespace midtrain::inline MT_ABI {

/// The type of exported weights: bfloat16, as models are published, or float, which loses nothing.
enum class weight_type { bf16, f32 };

struct export_options {
    weight_type                 weights   = weight_type::bf16;
    data::byte_level_bpe const* tokenizer = nullptr;  ///< none: the folder holds weights and configuration only
    data::tokenizer_notes       notes{};              ///< an end token that is not noted is the shape's
};

namespace detail {

template <class Model>
struct named_family {
    static_assert(io::detail::no_words<Model>, "midtrain: export_model knows trainable<Device, Family, Shape, Precision>. See "
                                               "midtrain/train/export.hpp");
};
template <class Device, class Family, class Shape, class Precision>
struct named_family<trainable<Device, Family, Shape, Precision>> {
    static io::hf_family of(Shape const& s) { return io::hf_family_of(hf_model_for<Family>::value, s); }
};

/// What config.json calls a model: a shape that was read from one says so itself.
template <class Model>
io::hf_family hf_family_of(Model const& model) {
    auto const& s = model.shape();
    if constexpr (requires { s.family; }) return io::written_as(s);
    else return named_family<Model>::of(s);
}

/// A folder that is written beside its place and takes it at once: who looks sees the old one or the new one, whole.
class replaced_folder {
  public:
    explicit replaced_folder(std::string const& wanted) {
        std::error_code why;
        place_ = std::filesystem::weakly_canonical(wanted, why);
        check(!why && !wanted.empty(), [&] { return "'" + wanted + "' cannot be a folder: " + why.message(); });
        if (!place_.has_filename()) place_ = place_.parent_path();
        refuse_strangers();
        std::filesystem::remove_all(partial(), why);
        std::filesystem::create_directories(partial(), why);
        check(!why, [&] { return partial() + ": cannot be made: " + why.message(); });
    }
    ~replaced_folder() {
        std::error_code why;
        std::filesystem::remove_all(partial(), why);  // what was not put in place, or the old folder
    }
    replaced_folder(replaced_folder const&)            = delete;
    replaced_folder& operator=(replaced_folder const&) = delete;

    std::string partial() const { return place_.string() + ".partial"; }

    void put_in_place() const {
        sync(partial());
        std::string const to  = place_.string();
        bool              put = ::rename(partial().c_str(), to.c_str()) == 0;  // nothing, or an empty folder, is there
        if (!put && (errno == ENOTEMPTY || errno == EEXIST)) put = exchange(to);
        check(put, [&] { return to + ": cannot be put in place: " + std::strerror(errno); });
        sync(place_.parent_path().string());
    }

  private:
    // We shall remove what stands there, so it must be an exported model and nothing else.
    void refuse_strangers() const {
        static constexpr std::string_view ours[] = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                                                    "tokenizer_config.json"};
        std::error_code why;
        if (!std::filesystem::exists(place_, why)) return;
        check(std::filesystem::is_directory(place_, why), [&] { return place_.string() + ": is a file where a folder is wanted"; });
        for (auto const& e : std::filesystem::directory_iterator(place_, why)) {
            auto const name = e.path().filename().string();
            check(std::find(std::begin(ours), std::end(ours), name) != std::end(ours),
                  [&] { return place_.string() + ": holds '" + name + "', which is no part of an exported model; give another folder"; });
        }
        check(!why, [&] { return place_.string() + ": cannot be read: " + why.message(); });
    }
    bool exchange(std::string const& to) const {
        if (::renameat2(AT_FDCWD, partial().c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return true;
        if (errno != EINVAL && errno != ENOSYS) return false;
        // A file system that cannot exchange: for a moment the old folder stands under another name.
        std::string const old = to + ".old";
        if (::rename(to.c_str(), old.c_str()) != 0) return false;
        if (::rename(partial().c_str(), to.c_str()) != 0) return ::rename(old.c_str(), to.c_str()), false;
        std::error_code why;
        std::filesystem::remove_all(old, why);
        return true;
    }
    static void sync(std::string const& folder) {
        int const file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (file < 0) return;
        ::fsync(file);
        ::close(file);
    }

    std::filesystem::path place_;
};

/// One part of a parameter as the bytes of its exported type.
template <class To, class From>
std::vector<To> exported(std::vector<From> const& from, std::string const& name) {
    std::vector<To> to(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
        auto const x = static_cast<float>(from[i]);
        check(std::isfinite(x), [&] { return "the weights of '" + name + "' are not finite: nothing is exported"; });
        to[i] = To(x);
    }
    return to;
}

template <class To, class Model>
void write_weights(std::string const& path, Model& model, char const* dtype) {
    io::safetensors_writer file(path, {{"format", "pt"}});
    auto const each_tensor = [&](auto const& f) {  // f(name, parameter, part): all parts, then the copies
        for (auto const& e : model.parameters().entries())
            for (auto const& p : e.parts) f(p.name, e, p);
        for (auto const& [name, of] : model.parameters().copies()) f(name, model.parameters()[of], model.parameters()[of].parts.front());
    };
    each_tensor([&](std::string const& name, parameter_info const& e, parameter_part const& p) {
        std::vector<std::int64_t> shape{p.rows, e.columns};
        if (!p.shape.empty()) shape.assign(p.shape.begin(), p.shape.end());
        else if (e.role == role::norm || e.role == role::bias) shape = {p.rows * e.columns};
        else if (p.transposed) shape = {e.columns, p.rows};
        file.declare(name, dtype, shape);
    });
    each_tensor([&](std::string const& name, parameter_info const& e, parameter_part const& p) {
        auto const values = exported<To>(model.part(row_view<typename Model::master_t const>(model.master()), e, p), name);
        file.add(name, std::as_bytes(std::span(values)));
    });
    file.finish();
}

}  // namespace detail

/// Whether export_model could say what the model and its positions are: an error tells why not. For before the first step.
template <class Model, class Policy>
void check_export(Model& model, Policy const& positions) {
    auto const& s = model.shape();
    io::hf_config_json(detail::hf_family_of(model), s, io::hf_rotary_of(positions, head_size_of(s)), {}, "float32");
}

/// Writes a folder that Hugging Face's libraries load: model.safetensors from the master weights, config.json with the shape and the
/// positions that the policy says, generation_config.json, and with a tokenizer tokenizer.json and tokenizer_config.json. All is
/// written beside `folder` and takes its place at once; an earlier export there stays whole until then. A folder that holds anything
/// else is refused.
template <class Model, class Policy>
void export_model(Model& model, std::string const& folder, Policy const& positions, export_options const& how = {}) {
    auto const& s      = model.shape();
    bool const  bf     = how.weights == weight_type::bf16;
    auto const  rotary = io::hf_rotary_of(positions, head_size_of(s));
    auto const  token  = [](std::int32_t t) { return t < 0 ? std::nullopt : std::optional<int>(t); };
    io::hf_tokens const tokens{token(how.notes.begin), how.notes.end < 0 ? s.end_token : how.notes.end, token(how.notes.padding)};
    auto const words = how.tokenizer ? how.tokenizer->size() : 0;
    check(words <= static_cast<std::size_t>(s.vocab), [&] {
        return folder + ": the tokenizer has " + std::to_string(words) + " tokens where the model has " + std::to_string(s.vocab);
    });
    detail::replaced_folder const to(folder);
    if (bf) detail::write_weights<bf16>(to.partial() + "/model.safetensors", model, "BF16");
    else detail::write_weights<float>(to.partial() + "/model.safetensors", model, "F32");
    auto const config = io::hf_config_json(detail::hf_family_of(model), s, rotary, tokens, bf ? "bfloat16" : "float32");
    io::write_whole(to.partial() + "/config.json", io::written(config, 2) + "\n");
    io::write_whole(to.partial() + "/generation_config.json", io::written(io::hf_generation_json(tokens), 2) + "\n");
    if (how.tokenizer) data::write_tokenizer(to.partial(), *how.tokenizer, how.notes);
    to.put_in_place();
}

}  // namespace midtrain::inline MT_ABI
