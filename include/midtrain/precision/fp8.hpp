#pragma once
#include <midtrain/precision/precision.hpp>
#include <midtrain/problem/fp8_form.hpp>

namespace midtrain::inline MT_ABI {

/// One scale a tensor, of its own largest value: e4m3 for weights and activations, e5m2 for gradients (Micikevicius and others 2022,
/// arXiv 2209.05433; Transformer Engine's current scaling in its hybrid format).
inline constexpr fp8_form scaled_by_tensor{.scaling = fp8_scaling::tensor, .wide_gradients = true};
/// One scale a tile, e4m3 throughout, as DeepSeek-V3 is trained (arXiv 2412.19437, section 3.3).
inline constexpr fp8_form scaled_by_block{.scaling = fp8_scaling::block};
/// The same with scales that are powers of two (UE8M0), as of DeepSeek-V3.1.
inline constexpr fp8_form scaled_by_block_ue8m0{.scaling = fp8_scaling::block, .powers_of_two = true};

/// Base with the products of linear layers and experts in eight bits: y = Q(x) Q(w)^T, and by the straight-through rule dx = Q(dy) Q(w) and
/// dw = Q(dy)^T Q(x), added up in float; tiles lie along what each product sums over. Embedding, head, norms, routers, attention's scores
/// and states' recurrences stay as Base has them, and so do the weights that the optimizer updates. A form whose scaling is none is Base until
/// trainable::set_products(). Products are emulated: slower than Base's, on every device.
template <class Base, fp8_form Form>
struct with_fp8 : Base {
    static constexpr fp8_form    products = Form;
    static constexpr char const* name     = Form.scaling == fp8_scaling::none     ? Base::name
                                            : Form.scaling == fp8_scaling::tensor ? "fp8_tensor"
                                            : Form.powers_of_two                  ? "fp8_block_ue8m0"
                                                                                  : "fp8_block";
};

using fp8_tensor      = with_fp8<bf16_mixed, scaled_by_tensor>;
using fp8_block       = with_fp8<bf16_mixed, scaled_by_block>;
using fp8_block_ue8m0 = with_fp8<bf16_mixed, scaled_by_block_ue8m0>;

/// How products of linear layers are done in a precision, if nobody says otherwise.
template <class Precision>
constexpr fp8_form products_of() {
    if constexpr (requires { Precision::products; }) return Precision::products;
    else return {};
}

}  // namespace midtrain::inline MT_ABI
