// SPDX-License-Identifier: BSD-2-Clause
/* One of two processes that share a managed_mapped_file of Boost.Interprocess: named objects, an
 * allocator, a mutex and a condition in a mapped file.
 *
 *     make PATH SIZE       open PATH            close
 *     put NAME TEXT        makes a named string, or finds and changes it
 *     get NAME             the text of one
 *     fill COUNT           a named vector of the numbers below this
 *     sum                  of the vector
 *     turns WHO TIMES      takes turns with the other process; answers with the turns of both
 *     size                 bytes of the segment
 *     grow PATH BYTES      adds so many to a file that nobody has open
 *     shrink PATH          takes from such a file all that is free
 */
#include "meeting.hpp"
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <iostream>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>

namespace ipc = boost::interprocess;

using managed_file = ipc::managed_mapped_file;
using manager = managed_file::segment_manager;
using text = ipc::basic_string<char, std::char_traits<char>, ipc::allocator<char, manager>>;
using numbers = ipc::vector<long, ipc::allocator<long, manager>>;

struct meeting {
    ipc::interprocess_mutex mutex;
    ipc::interprocess_condition condition;
    turns state;
};

static void require(bool well, const char *what)
{
    if (!well)
        throw std::runtime_error(what);
}

template <typename type> static type &find(managed_file &file, const char *name)
{
    type *found = file.find<type>(name).first;
    require(found != nullptr, "no object has that name");
    return *found;
}

static void fill(managed_file &file, long count)
{
    auto &vector = *file.find_or_construct<numbers>("numbers")(file.get_segment_manager());
    vector.resize(count);
    std::iota(vector.begin(), vector.end(), 0);
}

static std::string obey_open(managed_file &file, const std::string &order, std::istream &words)
{
    std::string name;
    long number = 0, times = 0;

    if (order == "put") {
        std::string value;
        words >> name >> value;
        auto &object = *file.find_or_construct<text>(name.c_str())(file.get_segment_manager());
        object = value.c_str();
    } else if (order == "get") {
        words >> name;
        return find<text>(file, name.c_str()).c_str();
    } else if (order == "fill") {
        words >> number;
        fill(file, number);
    } else if (order == "sum") {
        auto &vector = find<numbers>(file, "numbers");
        return std::to_string(std::accumulate(vector.begin(), vector.end(), 0L));
    } else if (order == "turns") {
        words >> number >> times;
        auto &shared = *file.find_or_construct<meeting>("meeting")();
        return std::to_string(
            take_turns(shared.state, shared.mutex, shared.condition, number, times));
    } else if (order == "size") {
        require(file.check_sanity(), "the segment is not sane");
        return std::to_string(file.get_size());
    } else {
        throw std::runtime_error("no such order");
    }
    return "";
}

static std::string obey(std::unique_ptr<managed_file> &file, std::istream &words)
{
    std::string order, path;
    std::size_t size = 0;

    words >> order;
    if (order == "make") {
        words >> path >> size;
        file = std::make_unique<managed_file>(ipc::create_only, path.c_str(), size);
    } else if (order == "open") {
        words >> path;
        file = std::make_unique<managed_file>(ipc::open_only, path.c_str());
    } else if (order == "grow") {
        words >> path >> size;
        require(managed_file::grow(path.c_str(), size), "grow");
    } else if (order == "shrink") {
        words >> path;
        require(managed_file::shrink_to_fit(path.c_str()), "shrink_to_fit");
    } else if (order == "close") {
        require(file->flush(), "flush");
        file.reset();
    } else {
        require(file != nullptr, "no file is open");
        return obey_open(*file, order, words);
    }
    return "";
}

int main()
{
    std::unique_ptr<managed_file> file;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        try {
            std::string answer = obey(file, words);
            std::cout << "ok" << (answer.empty() ? "" : " ") << answer << std::endl;
        } catch (const std::exception &error) {
            std::cout << error.what() << std::endl;
        }
    }
}
