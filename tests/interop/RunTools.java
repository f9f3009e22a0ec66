// RunTools.java: runs many of Apache Kafka's command-line tools in one JVM, since starting one takes a second and a half.
// Reads cases from a file: a name, a tab, a main class, a tab, its arguments separated by blanks (quoted with '...' if they
// hold one); "-" instead of a class waits so many milliseconds, since Kafka goes on deleting after its answer.
// A last `<<<` and a word are a line of the tool's input. @B@ and @Z@ stand for the bootstrap server and ZooKeeper given as arguments. Prints each case, all that the tool printed, and
// how it left. Nothing of Kafka's is in here: the tools' exits are caught by the hook that Kafka's own tests use.
// usage: java -cp 'LIBS/*' RunTools.java CASES BOOTSTRAP ZOOKEEPER
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

    // The first exit counts: some tools catch everything, then print what they caught and exit again.
    static Integer left;

    static void leave(int status, PrintStream out, ByteArrayOutputStream taken, ByteArrayOutputStream kept) {
        out.flush();
        if (left == null) {
            left = status;
            kept.writeBytes(taken.toByteArray());
        }
        throw new Left(status);
    }

    public static void main(String[] argv) throws Exception {
        PrintStream out = System.out;
        ByteArrayOutputStream taken = new ByteArrayOutputStream();
        ByteArrayOutputStream kept = new ByteArrayOutputStream();
        PrintStream both = new PrintStream(taken, true);
        System.setOut(both);
        System.setErr(both);
        Exit.setExitProcedure((status, message) -> leave(status, both, taken, kept));
        Exit.setHaltProcedure((status, message) -> leave(status, both, taken, kept));
        for (String line : Files.readAllLines(Path.of(argv[0]))) {
            if (line.isBlank() || line.startsWith("#"))
                continue;
            String[] part = line.split("\t+", 3);
            String text = part[2].replace("@B@", argv[1]).replace("@Z@", argv[2]);
            if (part[1].equals("-")) {
                Thread.sleep(Integer.parseInt(part[2]));
                continue;
            }
            taken.reset();
            kept.reset();
            left = null;
            List<String> args = words(text);
            int at = args.indexOf("<<<");
            String input = at < 0 ? "" : String.join(" ", args.subList(at + 1, args.size())) + "\n";
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            int status = run(part[1], at < 0 ? args : args.subList(0, at));
            both.flush();
            out.println("### " + part[0] + ": " + part[2]);
            String printed = (left == null ? taken : kept).toString();
            out.print(printed.isEmpty() || printed.endsWith("\n") ? printed : printed + "\n");
            out.println("exit " + (left == null ? status : left));
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
