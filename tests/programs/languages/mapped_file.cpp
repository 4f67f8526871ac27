// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): Boost.Iostreams' mapped_file, which makes,
 * maps and resizes the file by itself. It has no msync of its own. */
#include "participant.hpp"
#include <boost/iostreams/device/mapped_file.hpp>
#include <sys/mman.h>
#include <system_error>

namespace io = boost::iostreams;

class file_participant : public participant {
    io::mapped_file file;

    void open(std::size_t new_size)
    {
        io::mapped_file_params how(path);
        how.flags = io::mapped_file::readwrite;
        how.new_file_size = new_size;
        file.open(how);
    }

    void make(std::size_t size) override { open(size); }

    void map() override
    {
        if (file.is_open())
            file.close();
        open(0);
    }

    void grow(std::size_t size) override { file.resize(size); }

    void sync() override
    {
        if (msync(file.data(), file.size(), MS_SYNC) != 0)
            throw std::system_error(errno, std::generic_category(), "msync");
    }

    void close() override { file.close(); }
    char *bytes() override { return file.data(); }
    std::size_t size() override { return file.size(); }
};

int main()
{
    file_participant().serve();
}
