// RunTools.java: runs many of Apache Kafka's command-line tools in one JVM, since starting one takes a second and a
// half. Reads cases from a file: a name, a tab, a main class, a tab, its arguments separated by blanks (quoted with
// '...' if they hold one); since Kafka goes on after its answer, two words instead of a class wait: "until" for a tool
// (a regular expression, class, arguments) to print something else, "gone" for a znode to have gone. A last `<<<` and a
// word are a line of the tool's input. @B@ and @Z@ stand for the bootstrap server and ZooKeeper given as arguments.
// Prints each case, all that the tool printed, and how it left. Nothing of Kafka's is in here: the tools' exits are
// caught by the hook that Kafka's own tests use.
// usage: java -cp 'LIBS/*' RunTools.java CASES BOOTSTRAP ZOOKEEPER
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.utils.Exit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;

public class RunTools {
    static class Left extends Error {
        final int status;

        Left(int status) {
            super("exit " + status, null, false, false);
            this.status = status;
        }
    }

    static List<String> words(String text) {
        List<String> out = new ArrayList<>();
        Matcher m = Pattern.compile("'([^']*)'|(\\S+)").matcher(text);
        while (m.find())
            out.add(m.group(1) != null ? m.group(1) : m.group(2));
        return out;
    }

    static int run(String tool, List<String> args) throws Exception {
        try {
            Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args.toArray(new String[0]));
            return 0;
        } catch (InvocationTargetException e) {
            if (left == null)
                System.out.println("thrown: " + e.getCause());
            return 1;
        }
    }

    static boolean isThere(String connect, String path) throws Exception {
        ZooKeeper zk = new ZooKeeper(connect, 30000, event -> { });
        try {
            return zk.exists(path, false) != null;
        } catch (KeeperException.ConnectionLossException e) {
            return true;
        } finally {
            zk.close();
        }
    }

    // What it prints, and how it leaves.
    static String printed(String tool, List<String> args) throws Exception {
        taken.reset();
        kept.reset();
        left = null;
        int at = args.indexOf("<<<");
        String input = at < 0 ? "" : String.join(" ", args.subList(at + 1, args.size())) + "\n";
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        args = new ArrayList<>(at < 0 ? args : args.subList(0, at));
        if (tool.endsWith(".ConsumerGroupCommand") && !args.contains("--timeout")) // its own five seconds are too short for a busy machine
            args.addAll(List.of("--timeout", "60000"));
        int status = run(tool, args);
        both.flush();
        String printed = (left == null ? taken : kept).toString();
        return printed + (printed.isEmpty() || printed.endsWith("\n") ? "" : "\n") + "exit " + (left == null ? status : left) + "\n";
    }

    static final long WAIT_NS = 60_000_000_000L;
    static final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    static final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    static final PrintStream both = new PrintStream(taken, true);

    // The first exit counts: some tools catch everything, then print what they caught and exit again.
    static Integer left;

    static void leave(int status) {
        both.flush();
        if (left == null) {
            left = status;
            kept.writeBytes(taken.toByteArray());
        }
        throw new Left(status);
    }

    public static void main(String[] argv) throws Exception {
        PrintStream out = System.out;
        System.setOut(both);
        System.setErr(both);
        Exit.setExitProcedure((status, message) -> leave(status));
        Exit.setHaltProcedure((status, message) -> leave(status));
        BufferedReader cases = Files.newBufferedReader(Path.of(argv[0])); // line by line: they may come from a program that reads the answers
        for (String line; (line = cases.readLine()) != null;) {
            if (line.isBlank() || line.startsWith("#"))
                continue;
            String[] part = line.split("\t+", 3);
            List<String> args = words(part[2].replace("@B@", argv[1]).replace("@Z@", argv[2]));
            long deadline = System.nanoTime() + WAIT_NS;
            if (part[1].equals("gone")) {
                while (isThere(argv[2], args.get(0)) && System.nanoTime() < deadline)
                    Thread.sleep(100);
            } else if (part[1].equals("until")) {
                Pattern wanted = Pattern.compile(args.get(0));
                while (!wanted.matcher(printed(args.get(1), args.subList(2, args.size()))).find() && System.nanoTime() < deadline)
                    Thread.sleep(100);
            } else {
                String printed = printed(part[1], args);
                out.println("### " + part[0] + ": " + part[2]);
                out.print(printed);
                out.flush();
                continue;
            }
            if (System.nanoTime() >= deadline)
                out.println("### waited in vain: " + part[2]);
        }
        out.flush();
        Runtime.getRuntime().halt(0);
    }
}
