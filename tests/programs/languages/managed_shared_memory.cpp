// SPDX-License-Identifier: BSD-2-Clause
/* One of two processes that share a managed_shared_memory of Boost.Interprocess, a named_mutex and
 * a named_condition, all of which are names in /dev/shm.
 *
 *     managed_shared_memory turns WHO TIMES    writes the turns that both have taken
 *     managed_shared_memory grow BYTES         adds to the segment, and writes its size
 */
#include "meeting.hpp"
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/named_condition.hpp>
#include <boost/interprocess/sync/named_mutex.hpp>
#include <iostream>
#include <string>

namespace ipc = boost::interprocess;

static const char *const NAME = "shmapfs-exchange";

static long meet(int who, long times)
{
    ipc::managed_shared_memory memory(ipc::open_or_create, NAME, 65536);
    ipc::named_mutex mutex(ipc::open_or_create, "shmapfs-mutex");
    ipc::named_condition condition(ipc::open_or_create, "shmapfs-condition");
    auto &shared = *memory.find_or_construct<turns>("turns")();
    return take_turns(shared, mutex, condition, who, times);
}

static std::size_t grow(std::size_t bytes)
{
    if (!ipc::managed_shared_memory::grow(NAME, bytes))
        throw std::runtime_error("grow");
    return ipc::managed_shared_memory(ipc::open_only, NAME).get_size();
}

int main(int count, char **words)
{
    try {
        if (count == 4 && std::string(words[1]) == "turns")
            std::cout << "turns " << meet(std::stoi(words[2]), std::stol(words[3])) << std::endl;
        else if (count == 3 && std::string(words[1]) == "grow")
            std::cout << "size " << grow(std::stoul(words[2])) << std::endl;
        else
            throw std::runtime_error("no such order");
    } catch (const std::exception &error) {
        std::cerr << error.what() << std::endl;
        return EXIT_FAILURE;
    }
}
