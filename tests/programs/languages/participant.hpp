// SPDX-License-Identifier: BSD-2-Clause
/* Participants of the exchange (see exchange.py) in C++ share this: all but how they map. */
#pragma once
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

class participant {
public:
    virtual ~participant() = default;

    /* Obeys the lines of the standard input, to its end. */
    void serve()
    {
        for (std::string line; std::getline(std::cin, line);) {
            std::istringstream words(line);
            try {
                std::string answer = obey(words);
                std::cout << "ok" << (answer.empty() ? "" : " ") << answer << std::endl;
            } catch (const std::exception &error) {
                std::cout << error.what() << std::endl;
            }
        }
    }

protected:
    std::string path;

    virtual void make(std::size_t size) = 0;
    virtual void map() = 0; /* all that the file has become */
    virtual void grow(std::size_t size) = 0;
    virtual void sync() = 0;
    virtual void close() = 0;
    virtual char *bytes() = 0;
    virtual std::size_t size() = 0;

    std::fstream stream(std::ios::openmode mode)
    {
        std::fstream stream(path, mode | std::ios::binary);
        stream.exceptions(std::ios::failbit | std::ios::badbit);
        return stream;
    }

private:
    template <typename value_type> static value_type next(std::istream &words)
    {
        value_type value;
        if (!(words >> value))
            throw std::runtime_error("a word is missing");
        return value;
    }

    std::string obey(std::istream &words)
    {
        auto order = next<std::string>(words);
        if (order == "make" || order == "open") {
            path = next<std::string>(words);
            order == "make" ? make(next<std::size_t>(words)) : map();
        } else if (order == "store") {
            auto offset = next<std::size_t>(words);
            auto text = next<std::string>(words);
            std::memcpy(bytes() + offset, text.data(), text.size());
        } else if (order == "load") {
            auto offset = next<std::size_t>(words);
            return std::string(bytes() + offset, next<std::size_t>(words));
        } else if (order == "write") {
            auto file = stream(std::ios::in | std::ios::out);
            file.seekp(next<std::size_t>(words));
            file << next<std::string>(words) << std::flush;
        } else if (order == "read") {
            auto file = stream(std::ios::in);
            file.seekg(next<std::size_t>(words));
            std::string text(next<std::size_t>(words), '\0');
            file.read(text.data(), text.size());
            return text;
        } else if (order == "grow") {
            grow(next<std::size_t>(words));
        } else if (order == "remap") {
            map();
            return std::to_string(size());
        } else if (order == "sync") {
            sync();
        } else if (order == "close") {
            close();
        } else {
            throw std::runtime_error("no such order");
        }
        return "";
    }
};
