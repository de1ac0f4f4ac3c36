// What a process learns from the environment that its launcher made, of all that we know, and what it says of half of one.
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <midtrain/comm/launch.hpp>

namespace mt = midtrain;

namespace launch_under_test {

using environment = std::map<std::string, std::string>;

mt::launch read(environment const& e) {
    return mt::read_launch([&](char const* name) {
        auto const at = e.find(name);
        return at == e.end() ? nullptr : at->second.c_str();
    });
}
std::string refused(environment const& e) {
    try {
        read(e);
    } catch (mt::error const& what) {
        return what.what();
    }
    return "";
}
void same(mt::launch const& l, int rank, int size, int local, std::string const& host) {
    BOOST_TEST(l.rank == rank);
    BOOST_TEST(l.size == size);
    BOOST_TEST(l.local_rank == local);
    BOOST_TEST(l.host == host);
}

}  // namespace launch_under_test

using namespace launch_under_test;

BOOST_AUTO_TEST_SUITE(launch)

BOOST_AUTO_TEST_CASE(nobody_launched_us) {
    auto const l = read({{"HOME", "/root"}, {"MASTER_PORT", ""}});
    same(l, 0, 1, 0, "127.0.0.1");
    BOOST_TEST(l.by == "");
    same(read({{"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "77"}}), 0, 1, 0, "127.0.0.1");  // a shell of salloc's
}

BOOST_AUTO_TEST_CASE(torchrun) {
    environment e{{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "gpu-1"}, {"MASTER_PORT", "29400"}};
    same(read(e), 5, 8, 1, "gpu-1");
    BOOST_TEST(read(e).port == 29400);
    e["TORCHELASTIC_USE_AGENT_STORE"] = "True";  // as torchrun sets it: its agent has the port
    BOOST_TEST(read(e).port == 29401);
    e.insert({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}, {"SLURM_LOCALID", "0"}});  // one torchrun a node, started by srun
    same(read(e), 5, 8, 1, "gpu-1");
}

BOOST_AUTO_TEST_CASE(mpirun) {
    environment e{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"},
                  {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}, {"PMIX_RANK", "3"}, {"PMIX_NAMESPACE", "980353025"}};
    same(read(e), 3, 4, 3, "127.0.0.1");
    BOOST_TEST(read(e).by == "mpirun");
    auto const port = read(e).port;
    BOOST_TEST((20000 <= port && port < 30000));
    e["PMIX_NAMESPACE"] = "980353026";
    BOOST_TEST(read(e).port != port);  // another job on the machine
    e["OMPI_COMM_WORLD_LOCAL_SIZE"] = "2";
    BOOST_TEST(read(e).host == "");  // on two machines, and nothing says which is rank 0's
    e["MASTER_ADDR"] = "10.0.0.1";
    BOOST_TEST(read(e).host == "10.0.0.1");
    same(read({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}}), 1, 2, 1, "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(slurm) {
    environment e{{"SLURM_PROCID", "9"}, {"SLURM_NTASKS", "16"}, {"SLURM_LOCALID", "1"}, {"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "0"},
                  {"SLURM_JOB_NODELIST", "node[003-010,012],fat1"}, {"PMIX_RANK", "9"}};
    same(read(e), 9, 16, 1, "node003");
    BOOST_TEST(read(e).by == "Slurm");
    BOOST_TEST(read(e).job == "77.0");
    for (auto const& [list, host] : environment{{"fat1,node[1-2]", "fat1"}, {"rack[2-3]n[07,09]", "rack2n07"}, {"a[5]b", "a5b"}, {"lone", "lone"}}) {
        e["SLURM_STEP_NODELIST"] = list;
        BOOST_TEST(read(e).host == host);
    }
    e["SLURM_STEP_NODELIST"] = "node[1-";
    BOOST_TEST(refused(e).find("set MASTER_ADDR") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(half_of_it) {
    auto const says = [](environment const& e, char const* what) {
        BOOST_TEST_INFO(refused(e));
        BOOST_TEST(refused(e).find(what) != std::string::npos);
    };
    says({{"RANK", "1"}}, "RANK is set and WORLD_SIZE is not");
    says({{"WORLD_SIZE", "2"}}, "WORLD_SIZE is set and RANK is not");
    says({{"OMPI_COMM_WORLD_RANK", "1"}}, "OMPI_COMM_WORLD_SIZE is not");
    says({{"SLURM_PROCID", "2"}}, "SLURM_STEP_NUM_TASKS is not");
    says({{"PMIX_RANK", "2"}}, "nothing says of how many ranks");
    says({{"RANK", "1"}, {"WORLD_SIZE", "2"}}, "LOCAL_RANK is not");
    says({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}, "RANK is 2 and WORLD_SIZE is 2");
    says({{"RANK", "one"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}, "RANK is \"one\" and not a number");
    says({{"RANK", "-1"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}, "RANK is \"-1\"");
    says({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}, {"MASTER_PORT", "70000"}}, "70000 is no port");
}

BOOST_AUTO_TEST_SUITE_END()
