import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client of the JDK alone: prints what it receives, a line each; run as `java Client.java URL EVENTS`. */
public class Client implements WebSocket.Listener {
    private final LinkedBlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<String> closed = new CompletableFuture<>();
    private final StringBuilder partial = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        partial.append(data);
        if (last) {
            messages.add(partial.toString());
            partial.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        closed.complete(code + " " + reason);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        closed.completeExceptionally(error);
    }

    private String next() throws Exception {
        String message = messages.poll(10, TimeUnit.SECONDS);
        if (message == null) throw new IllegalStateException("no message within 10 s");
        return message;
    }

    public static void main(String[] arguments) throws Exception {
        Client client = new Client();
        HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        WebSocket socket = http.newWebSocketBuilder().buildAsync(URI.create(arguments[0]), client).get(10, TimeUnit.SECONDS);
        int events = Integer.parseInt(arguments[1]);
        // `connected`, then the events.
        for (int i = 0; i <= events; i++) System.out.println(client.next());
        socket.sendText("{\"action\":\"ping\"}", true).get(10, TimeUnit.SECONDS);
        System.out.println(client.next());
        socket.sendClose(1000, "that was all").get(10, TimeUnit.SECONDS);
        System.out.println("closed " + client.closed.get(10, TimeUnit.SECONDS));
        System.exit(0);
    }
}
