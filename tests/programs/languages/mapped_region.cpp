// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): Boost.Interprocess, file_mapping and
 * mapped_region, with std::fstream to make and size the file as Boost's manual does. */
#include "participant.hpp"
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

namespace ipc = boost::interprocess;

class region_participant : public participant {
    ipc::file_mapping file;
    ipc::mapped_region region;

    void extend(std::size_t size, std::ios::openmode mode)
    {
        auto file = stream(mode);
        file.seekp(size - 1);
        file.put('\0').flush();
    }

    void make(std::size_t size) override
    {
        extend(size, std::ios::out | std::ios::trunc);
        map();
    }

    void map() override
    {
        file = ipc::file_mapping(path.c_str(), ipc::read_write);
        region = ipc::mapped_region(file, ipc::read_write);
    }

    void grow(std::size_t size) override
    {
        extend(size, std::ios::in | std::ios::out);
        map();
    }

    void sync() override
    {
        if (!region.flush(0, 0, false))
            throw std::runtime_error("flush");
    }

    void close() override
    {
        region = ipc::mapped_region();
        file = ipc::file_mapping();
    }

    char *bytes() override { return static_cast<char *>(region.get_address()); }
    std::size_t size() override { return region.get_size(); }
};

int main()
{
    region_participant().serve();
}
