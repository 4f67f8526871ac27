// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): D's std.mmfile, which makes, maps and extends
 * the file by itself. */
import std.conv : to;
import std.mmfile : MmFile;
import std.stdio : File, readln, stdout, writeln;
import std.string : split;

class Participant
{
    private string path;
    private MmFile mapping;

    // Size 0: all of a file that is there. A larger one than the file has extends it.
    private void map(MmFile.Mode mode, ulong size)
    {
        close();
        mapping = new MmFile(path, mode, size, null);
    }

    private void close()
    {
        if (mapping !is null)
            destroy(mapping); // not when the collector thinks of it
        mapping = null;
    }

    private char[] bytes(ulong offset, ulong length)
    {
        return cast(char[]) mapping[offset .. offset + length];
    }

    string obey(string order, string[] words)
    {
        switch (order)
        {
        case "make":
            path = words[0];
            map(MmFile.Mode.readWriteNew, words[1].to!ulong);
            return "";
        case "open":
            path = words[0];
            map(MmFile.Mode.readWrite, 0);
            return "";
        case "store":
            bytes(words[0].to!ulong, words[1].length)[] = words[1];
            return "";
        case "load":
            return bytes(words[0].to!ulong, words[1].to!ulong).idup;
        case "write":
            auto file = File(path, "r+b");
            file.seek(words[0].to!long);
            file.rawWrite(words[1]);
            return "";
        case "read":
            auto file = File(path, "rb");
            file.seek(words[0].to!long);
            return file.rawRead(new char[words[1].to!size_t]).idup;
        case "grow":
            map(MmFile.Mode.readWrite, words[0].to!ulong);
            return "";
        case "remap":
            map(MmFile.Mode.readWrite, 0);
            return mapping.length.to!string;
        case "sync":
            mapping.flush();
            return "";
        case "close":
            close();
            return "";
        default:
            throw new Exception("no such order");
        }
    }
}

void main()
{
    auto self = new Participant;
    for (string line; (line = readln()) !is null;)
    {
        auto words = line.split;
        try
        {
            auto answer = self.obey(words[0], words[1 .. $]);
            writeln(answer.length ? "ok " ~ answer : "ok");
        }
        catch (Exception error)
            writeln(error.msg);
        stdout.flush();
    }
}
