// cuDNN has a kernel for each form of attention that midtrain asks it for, on GPUs of three generations; no GPU is needed. Their properties
// are described to cuDNN, which picks an engine, writes the kernel and compiles it. What it cannot do without a driver is load it: with the
// toolkit's stub of the driver that is where each of these must end, and nowhere before. (Their results: tests/cuda/fused_attention.cu.)
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/exec/cuda/cudnn_attention.cuh>

namespace mt = midtrain;
namespace fe = cudnn_frontend;

namespace {

struct gpu {
    char const*  name;
    int          architecture, processors, shared_memory;  // bytes a block may ask for
    std::int64_t cache;
};
constexpr gpu gpus[] = {{"A100", 80, 108, 166'912, 41'943'040},
                        {"H200", 90, 132, 232'448, 62'914'560},
                        {"B200", 100, 148, 232'448, 132'644'864}};

/// In the words of cuDNN's device property descriptor.
std::shared_ptr<fe::DeviceProperties> described(gpu const& g) {
    std::string const text =
        R"({"maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "warpSize": 32,
            "maxSharedMemoryPerBlock": 49152, "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
            "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1,
            "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "driverVer": 13000, "cudaDeviceId": 0, "totalGlobalMem": 80000000000,
            "multiProcessorCount": )" + std::to_string(g.processors) +
        ", \"maxSharedMemoryPerBlockOptin\": " + std::to_string(g.shared_memory) + ", \"l2CacheSize\": " + std::to_string(g.cache) +
        ", \"deviceVer\": " + std::to_string(10 * g.architecture) +
        ", \"deviceName\": \"" + g.name + "\"}";
    auto const properties = std::make_shared<fe::DeviceProperties>();
    auto       status     = properties->deserialize({text.begin(), text.end()});
    if (status.is_bad()) std::printf("%s cannot be described: %s\n", g.name, status.get_message().c_str());
    return properties;
}

/// Empty where cuDNN has a kernel.
std::string refusal(gpu const& g, std::shared_ptr<fe::DeviceProperties> const& properties, mt::fused_attention_form const& f) {
    auto const graph = std::make_shared<fe::graph::Graph>();
    graph->set_sm_version(g.architecture);
    graph->set_device_properties(properties);
    mt::detail::make_attention(graph, f);
    auto status = graph->build({fe::HeurMode_t::A});
    if (status.is_good() || status.get_message().find("cuLibraryLoadData") != std::string::npos) return {};
    return status.get_message();
}

struct size {
    char const* name;
    mt::index_t heads, kv_heads, length, head_size, value_size, window;
};
constexpr size sizes[] = {{"Qwen2.5 0.5B", 14, 2, 1024, 64, 64, 0}, {"a window", 32, 8, 4096, 128, 128, 1024}};
constexpr size more[]  = {{"one key head, 1000 tokens", 8, 1, 1000, 128, 128, 0}, {"heads of 72", 4, 4, 32'768, 72, 72, 0}};
constexpr size latent{"latent", 16, 16, 4096, 192, 128, 0};  // of DeepSeek; not A100's

mt::fused_attention_form form(size const& s, bool ragged, bool backward) {
    mt::index_t const sequences = s.length < 8192 ? 8 : 1, width = (s.heads + s.kv_heads) * s.head_size + s.kv_heads * s.value_size;
    return {.batch = ragged ? 4 * sequences : sequences, .heads = s.heads, .kv_heads = s.kv_heads, .length = s.length,
            .head_size = s.head_size, .value_size = s.value_size, .qkv_stride = width,
            .output_stride = s.heads * s.value_size, .log_sum_stride = sequences * s.length,
            .tokens = sequences * s.length, .window = s.window, .ragged = ragged, .backward = backward,
            .repeatable = true,
            .apart = ragged && backward && s.heads > s.kv_heads};
}

}  // namespace

int main() {
    int wrong = 0, accepted = 0;
    for (auto const& g : gpus) {
        auto const properties = described(g);
        auto       all        = std::vector<size>(std::begin(sizes), std::end(sizes));
        if (g.architecture == 90) all.insert(all.end(), std::begin(more), std::end(more));
        if (g.architecture >= 90) all.push_back(latent);
        for (auto const& s : all)
            for (bool ragged : {false, true})
                for (bool backward : {false, true}) {
                    if (g.architecture < 90 && ragged && backward) continue;  // Ampere has none: there it goes by tiles
                    auto const why = refusal(g, properties, form(s, ragged, backward));
                    ++(why.empty() ? accepted : wrong);
                    if (why.empty()) continue;
                    std::printf("%s, %s%s%s: %s\n", g.name, s.name, ragged ? ", documents" : "", backward ? ", backward" : "", why.c_str());
                }
        size odd = sizes[0];
        odd.head_size = odd.value_size = 20;
        if (refusal(g, properties, form(odd, false, false)).empty()) ++wrong, std::printf("%s: heads of 20 are not refused\n", g.name);
    }
    std::printf("cuDNN %zu has kernels for %d forms, and for %d it should have one has none\n", cudnnGetVersion(), accepted, wrong);
    return wrong > 0;
}
