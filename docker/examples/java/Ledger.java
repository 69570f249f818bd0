import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Acknowledges each line that a client sends, and writes them all to a file when it is stopped. */
public class Ledger {
    private static final Path SOCKET = Path.of("/run/ledger/socket");
    private static final Path FILE = Path.of("/data/ledger");

    private final List<String> lines = new ArrayList<>();
    private boolean closed;

    public static void main(String[] arguments) throws IOException {
        var ledger = new Ledger();
        Runtime.getRuntime().addShutdownHook(new Thread(ledger::close));
        Files.deleteIfExists(SOCKET);
        var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(SOCKET));
        System.out.println("ledger: ready");
        while (true) {
            var client = server.accept();
            new Thread(() -> ledger.serve(client)).start();
        }
    }

    private void serve(SocketChannel client) {
        try (client; var reader = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8))) {
            var writer = Channels.newOutputStream(client);
            for (String line; (line = reader.readLine()) != null && enter(line);) {
                writer.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException error) {
            System.err.println("ledger: " + error);
        }
    }

    /** Whether it was in time: other threads go on while the hook runs. */
    private synchronized boolean enter(String line) {
        return !closed && lines.add(line);
    }

    private synchronized void close() {
        closed = true;
        try {
            Files.write(FILE, lines);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        System.out.println("ledger: saved");
    }
}
