#include <boost/test/unit_test.hpp>
#include <span>
#include <string>
#include <midtrain/concepts/device.hpp>
#include <midtrain/concepts/precision.hpp>
#include <midtrain/concepts/team.hpp>
#include <midtrain/concepts/weight_source.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/any_optimizer.hpp>
#include <midtrain/optim/optimizer.hpp>
#include <midtrain/optim/optimizer_memory.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/precision/precision.hpp>

namespace mt = midtrain;

// What we ship is what it says, and what is almost right is not.
namespace {

static_assert(mt::Team<mt::solo_team> && mt::Team<mt::crowd_team>);
struct headless_team : mt::solo_team {
    void leads() const {}
};
static_assert(!mt::Team<headless_team>);

static_assert(mt::Device<mt::host> && mt::Device<mt::crowd>);
struct device_without_rows {
    static constexpr bool shares_memory = true;
    template <class T>
    mt::host_buffer<T> make(mt::index_t n) { return mt::host_buffer<T>(n); }
    template <class F>
    void elements(mt::index_t, F const&) {}
    template <class T>
    void upload(T const*, mt::row_view<T>) {}
    template <class T>
    void download(mt::row_view<T const>, T*) {}
    void wait() {}
};
static_assert(!mt::Device<device_without_rows>);

static_assert(mt::Precision<mt::fp32> && mt::Precision<mt::bf16_mixed> && mt::Precision<mt::fp64>);
struct precision_of_two_minds : mt::fp32 {
    using computed = double;
};
static_assert(!mt::Precision<precision_of_two_minds>);

static_assert(mt::Optimizer<mt::sgd> && mt::Optimizer<mt::adamw>);
struct optimizer_that_forgot_const {
    static constexpr int slots = 1;
    double decay_of(mt::role) { return 0; }
    void   prepare(mt::step_scalars&) const {}
    template <class C>
    C update(C w, C, C (&)[slots], mt::step_scalars const&, C) const { return w; }
};
static_assert(!mt::Optimizer<optimizer_that_forgot_const>);

static_assert(mt::Optimizer<mt::lion> && !mt::TensorOptimizer<mt::lion> && mt::OptimizerChoice<mt::any_optimizer>);
static_assert(mt::TensorOptimizer<mt::muon> && mt::TensorOptimizer<mt::adafactor> && mt::TensorOptimizer<mt::rmsprop>);
static_assert(mt::TensorOptimizer<mt::careful<mt::adamw>> && !mt::Optimizer<mt::careful<mt::adamw>>);
struct tensor_optimizer_that_forgot_const : mt::rmsprop {
    mt::index_t slots_of(mt::tensor_place const& t) { return t.size(); }
};
static_assert(!mt::AnyOptimizer<tensor_optimizer_that_forgot_const>);
static_assert(mt::Precision<mt::bf16_by_chance>);

static_assert(mt::WeightSource<mt::io::safetensors> && mt::WeightSource<mt::io::gguf_llama>);
struct source_without_shape {
    void operator()(std::string const&, std::span<float>) const {}
};
static_assert(!mt::WeightSource<source_without_shape>);

static_assert(mt::Communicator<mt::self>);
struct deaf : mt::self {
    template <class T>
    void receive(mt::row_view<T>) const {}
};
static_assert(!mt::Communicator<deaf>);

}  // namespace

BOOST_AUTO_TEST_SUITE(communicator)

BOOST_AUTO_TEST_CASE(alone_nothing_happens_but_a_copy) {
    mt::self                   ranks;
    float                      mine[] = {1, 2, 3}, all[] = {0, 0, 0};
    mt::row_view<float> const  to{all, 3};
    mt::row_view<float const>  from{mine, 3};
    ranks.sum(mt::row_view<float>{mine, 3});
    BOOST_TEST(mine[2] == 3);
    ranks.all_gather(from, to);
    BOOST_TEST(all[1] == 2);
    mine[1] = 7;
    ranks.reduce_scatter_async(from, to).wait();
    BOOST_TEST(all[1] == 7);
    mine[1] = 8;
    ranks.split(3).all_to_all(from, to);
    BOOST_TEST(all[1] == 8);
    BOOST_CHECK_THROW(ranks.send(from, 1), mt::error);
    BOOST_CHECK_THROW(ranks.receive(to, 1), mt::error);
    BOOST_CHECK_THROW(ranks.broadcast(to, 1), mt::error);
    BOOST_CHECK_THROW(ranks.all_gather(from, mt::row_view<float>{all, 2}), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
