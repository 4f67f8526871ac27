// SPDX-License-Identifier: BSD-2-Clause
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** A participant of the exchange (see exchange.py): Java's FileChannel.map. */
final class Mapping {
    private FileChannel channel;
    private MappedByteBuffer mapping;

    /** A mapping that is longer than the file makes the file as long. */
    private void map(long size) throws IOException {
        mapping = channel.map(FileChannel.MapMode.READ_WRITE, 0, size);
    }

    private void open(String path, StandardOpenOption... more) throws IOException {
        channel = FileChannel.open(Path.of(path), Set.of(more));
    }

    private static ByteBuffer bytes(String text) {
        return StandardCharsets.US_ASCII.encode(text);
    }

    private static String text(ByteBuffer bytes) {
        return StandardCharsets.US_ASCII.decode(bytes).toString();
    }

    private String load(int offset, int length) {
        return text(mapping.slice(offset, length));
    }

    private String read(int offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        channel.read(buffer, offset);
        return text(buffer.flip());
    }

    private String obey(String[] words) throws IOException {
        String first = words.length > 1 ? words[1] : null;
        String second = words.length > 2 ? words[2] : null;
        switch (words[0]) {
            case "make" -> {
                open(first, StandardOpenOption.READ, StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE_NEW);
                map(Long.parseLong(second));
            }
            case "open" -> {
                open(first, StandardOpenOption.READ, StandardOpenOption.WRITE);
                map(channel.size());
            }
            case "store" -> mapping.duplicate().position(Integer.parseInt(first))
                    .put(bytes(second));
            case "load" -> {
                return load(Integer.parseInt(first), Integer.parseInt(second));
            }
            case "write" -> channel.write(bytes(second), Long.parseLong(first));
            case "read" -> {
                return read(Integer.parseInt(first), Integer.parseInt(second));
            }
            case "grow" -> map(Long.parseLong(first));
            case "remap" -> {
                map(channel.size());
                return String.valueOf(mapping.capacity());
            }
            case "sync" -> mapping.force();
            case "close" -> channel.close(); // a mapping ends when it is collected
            default -> throw new IOException("unknown order");
        }
        return null;
    }

    public static void main(String[] arguments) throws IOException {
        Mapping participant = new Mapping();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            try {
                String answer = participant.obey(line.split(" "));
                System.out.println(answer == null ? "ok" : "ok " + answer);
            } catch (IOException | RuntimeException | InternalError error) {
                System.out.println(error);
            }
        }
    }
}
