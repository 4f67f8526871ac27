-- SPDX-License-Identifier: BSD-2-Clause
-- A participant of the exchange (see exchange.py): LuaJIT's FFI calls the C library.
local ffi = require("ffi")

ffi.cdef [[
void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset);
void *mremap(void *address, size_t old, size_t length, int flags);
int munmap(void *address, size_t length);
int msync(void *address, size_t length, int flags);
int ftruncate(int fd, long length);
int fileno(void *stream);
char *strerror(int number);
]]

local READ_WRITE, SHARED, MAYMOVE, NOW = 3, 1, 1, 4
local FAILED = ffi.cast("void *", -1)

local file, number, mapping, size

local function must(well, what)
    if not well then
        error(what .. ": " .. ffi.string(ffi.C.strerror(ffi.errno())), 0)
    end
end

local function take(address, length)
    must(address ~= FAILED, "mmap")
    mapping, size = ffi.cast("char *", address), length
end

local function map()
    local length = file:seek("end")
    take(ffi.C.mmap(nil, length, READ_WRITE, SHARED, number, 0), length)
end

local function unmap()
    must(ffi.C.munmap(mapping, size) == 0, "munmap")
end

local function open(path, mode)
    file = assert(io.open(path, mode))
    file:setvbuf("no")
    number = ffi.C.fileno(file)
end

local orders = {}

function orders.make(path, length)
    assert(not io.open(path), "is there already")
    open(path, "w+")
    must(ffi.C.ftruncate(number, tonumber(length)) == 0, "ftruncate")
    map()
end

function orders.open(path)
    open(path, "r+")
    map()
end

function orders.store(offset, text)
    ffi.copy(mapping + tonumber(offset), text, #text)
end

function orders.load(offset, length)
    return ffi.string(mapping + tonumber(offset), tonumber(length))
end

function orders.write(offset, text)
    file:seek("set", tonumber(offset))
    assert(file:write(text))
end

function orders.read(offset, length)
    file:seek("set", tonumber(offset))
    return assert(file:read(tonumber(length)))
end

-- The mapping is made longer where it is, or moved.
function orders.grow(length)
    length = tonumber(length)
    must(ffi.C.ftruncate(number, length) == 0, "ftruncate")
    take(ffi.C.mremap(mapping, size, length, MAYMOVE), length)
end

function orders.remap()
    unmap()
    map()
    return tostring(size)
end

function orders.sync()
    must(ffi.C.msync(mapping, size, NOW) == 0, "msync")
end

function orders.close()
    unmap()
    file:close()
end

io.stdout:setvbuf("line")
for line in io.lines() do
    local words = {}
    for word in line:gmatch("%S+") do
        words[#words + 1] = word
    end
    local well, answer = pcall(orders[words[1]], words[2], words[3])
    print(well and (answer and "ok " .. answer or "ok") or answer)
end
