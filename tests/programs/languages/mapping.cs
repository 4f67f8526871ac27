// SPDX-License-Identifier: BSD-2-Clause
using System;
using System.IO;
using System.IO.MemoryMappedFiles;
using System.Text;

/// <summary>A participant of the exchange (see exchange.py): .NET's MemoryMappedFile.</summary>
sealed class Mapping
{
    FileStream file;
    MemoryMappedFile mapping;
    MemoryMappedViewAccessor view;
    long size;

    void Map()
    {
        size = file.Length;
        mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite,
                                                  HandleInheritability.None, true);
        view = mapping.CreateViewAccessor(0, size);
    }

    void Unmap()
    {
        view.Dispose();
        mapping.Dispose();
    }

    void Open(string path, FileMode mode)
    {
        // No buffer: what is written and read is the file as it is.
        file = new FileStream(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
    }

    void Store(long offset, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        view.WriteArray(offset, bytes, 0, bytes.Length);
    }

    string Load(long offset, int length)
    {
        var bytes = new byte[length];
        view.ReadArray(offset, bytes, 0, length);
        return Encoding.ASCII.GetString(bytes);
    }

    void Write(long offset, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        file.Seek(offset, SeekOrigin.Begin);
        file.Write(bytes, 0, bytes.Length);
        file.Flush();
    }

    string Read(long offset, int length)
    {
        var bytes = new byte[length];
        file.Seek(offset, SeekOrigin.Begin);
        int count = file.Read(bytes, 0, length);
        return Encoding.ASCII.GetString(bytes, 0, count);
    }

    string Obey(string[] words)
    {
        switch (words[0])
        {
            case "make":
                Open(words[1], FileMode.CreateNew);
                file.SetLength(long.Parse(words[2]));
                Map();
                return null;
            case "open":
                Open(words[1], FileMode.Open);
                Map();
                return null;
            case "store":
                Store(long.Parse(words[1]), words[2]);
                return null;
            case "load":
                return Load(long.Parse(words[1]), int.Parse(words[2]));
            case "write":
                Write(long.Parse(words[1]), words[2]);
                return null;
            case "read":
                return Read(long.Parse(words[1]), int.Parse(words[2]));
            case "grow":
                Unmap();
                file.SetLength(long.Parse(words[1]));
                Map();
                return null;
            case "remap":
                Unmap();
                Map();
                return size.ToString();
            case "sync":
                view.Flush();
                return null;
            case "close":
                Unmap();
                file.Close();
                return null;
            default:
                return "unknown order";
        }
    }

    static void Main()
    {
        var participant = new Mapping();
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
        {
            try
            {
                string answer = participant.Obey(line.Split(' '));
                Console.WriteLine(answer == null ? "ok" : "ok " + answer);
            }
            catch (Exception error)
            {
                Console.WriteLine(error.GetType() + ": " + error.Message);
            }
        }
    }
}
