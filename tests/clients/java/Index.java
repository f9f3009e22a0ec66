// Index.java: an index of words by Kafka Streams, at least once: a repartition topic, a state store with its changelog
// and a standby, in two processes. One of them is killed with kill -9 in the midst, comes back with its state and is
// killed again, and comes back without, so that it restores all of it. What is indexed is a set, so that what is done
// twice does not count: at the end every word must have every line that it stands in, in the output topic and in the
// stores of the two together. usage: java -cp 'OUT:LIBS/*' Index BOOTSTRAP [LINES]
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.*;

public class Index {
    static final int WORDS = 40, PARTITIONS = 4;

    static String with(String lines, String line) {
        Set<Integer> all = new TreeSet<>();
        for (String s : (lines + " " + line).trim().split(" "))
            all.add(Integer.valueOf(s));
        return all.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    // ---- one instance: tells how many words its store holds whenever that changes ----

    static void serve(String bootstrap, String app, String dir) throws Exception {
        Properties c = new Properties();
        c.putAll(Map.of("application.id", app, "bootstrap.servers", bootstrap, "state.dir", dir, "num.standby.replicas",
            "1", "replication.factor", "3", "commit.interval.ms", "500", "num.stream.threads", "2",
            "processing.guarantee", "at_least_once", "statestore.cache.max.bytes", "0", "topology.optimization",
            "all"));
        c.put("default.key.serde", Serdes.StringSerde.class.getName());
        c.put("default.value.serde", Serdes.StringSerde.class.getName());
        c.put("consumer.session.timeout.ms", "10000");
        StreamsBuilder b = new StreamsBuilder();
        b.<String, String>stream(app + "-lines")
            .flatMap((key, line)
                         -> Arrays.stream(line.split(" ")).map(w -> KeyValue.pair(w, key)).collect(Collectors.toList()))
            .groupByKey()
            .aggregate(()
                           -> "",
                (word, line, lines)
                    -> with(lines, line),
                Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("index")
                    .withKeySerde(Serdes.String())
                    .withValueSerde(Serdes.String()))
            .toStream()
            .to(app + "-index");
        KafkaStreams streams = new KafkaStreams(b.build(c), c);
        streams.setUncaughtExceptionHandler(e -> {
            System.out.println("died " + e);
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
                .REPLACE_THREAD;
        });
        streams.start();
        for (String last = "";;) {
            Thread.sleep(300);
            String now = streams.state() + " 0 0";
            try {
                int words = 0, lines = 0;
                try (KeyValueIterator<String, String> i = streams
                                                              .store(StoreQueryParameters.fromNameAndType("index",
                                                                  QueryableStoreTypes.<String, String>keyValueStore()))
                                                              .all()) {
                    for (; i.hasNext(); words++)
                        lines += i.next().value.split(" ").length;
                }
                now = streams.state() + " " + words + " " + lines;
            } catch (org.apache.kafka.streams.errors.InvalidStateStoreException e) {
                // it is moving
            }
            if (!now.equals(last))
                System.out.println(last = now);
        }
    }

    // ---- the driver ----

    static final Map<String, String> told = new ConcurrentHashMap<>();

    static Process instance(String bootstrap, String app, Path dir) throws Exception {
        String name = dir.getFileName().toString();
        told.put(name, "");
        Process p = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-Xmx256m", "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", "-Dlog4j.configuration=" + System.getProperty("log4j.configuration", ""), "-cp",
            System.getProperty("java.class.path"), "Index", bootstrap, "serve", app, dir.toString())
                        .redirectError(new File(dir.getParent().toFile(), name + ".err"))
                        .start();
        Thread t = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(p.getInputStream()))) {
                for (String line; (line = in.readLine()) != null;) {
                    told.put(name, line);
                    if (line.startsWith("died"))
                        System.out.println(name + " " + line);
                }
            } catch (Exception e) {
                // it was killed
            }
        });
        t.setDaemon(true);
        t.start();
        return p;
    }

    static long[] stores() {
        long[] sums = new long[2];
        for (String s : told.values())
            if (s.startsWith("RUNNING "))
                for (int i = 0; i < 2; i++)
                    sums[i] += Long.parseLong(s.split(" ")[i + 1]);
        return sums;
    }

    static void await(String what, java.util.function.BooleanSupplier holds) throws Exception {
        long begin = System.nanoTime();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - begin > 120_000_000_000L) {
                System.out.println("waited in vain: " + what + " " + told);
                leave(1);
            }
            Thread.sleep(100);
        }
        System.out.printf("%s after %.1f s%n", what, (System.nanoTime() - begin) / 1e9);
    }

    static final List<Process> processes = new ArrayList<>();

    static void leave(int status) {
        processes.forEach(Process::destroyForcibly);
        System.out.flush();
        Runtime.getRuntime().halt(status);
    }

    static void kill(Process p) throws Exception {
        p.destroyForcibly();
        p.waitFor();
    }

    public static void main(String[] argv) throws Exception {
        if (argv.length > 2 && argv[1].equals("serve")) {
            serve(argv[0], argv[2], argv[3]);
            return;
        }
        String app = "index-" + System.currentTimeMillis() % 1000000;
        int lines = argv.length > 1 ? Integer.parseInt(argv[1]) : 3000;
        Path dir = Files.createTempDirectory("streams");
        Map<String, Object> c = new HashMap<>(Map.of("bootstrap.servers", argv[0], "acks", "all"));
        try (AdminClient admin = AdminClient.create(c)) {
            admin
                .createTopics(List.of(new NewTopic(app + "-lines", PARTITIONS, (short) 3),
                    new NewTopic(app + "-index", PARTITIONS, (short) 3).configs(Map.of("cleanup.policy", "compact"))))
                .all()
                .get();
        }
        Path[] home = {Files.createDirectory(dir.resolve("a")), Files.createDirectory(dir.resolve("b"))};
        Process[] at = {instance(argv[0], app, home[0]), instance(argv[0], app, home[1])};
        processes.addAll(List.of(at));
        await("both run", () -> told.values().stream().allMatch(s -> s.startsWith("RUNNING")));
        Map<String, Set<Integer>> want = new TreeMap<>();
        Random random = new Random(1);
        long pairs = 0;
        try (KafkaProducer<String, String> p = new KafkaProducer<>(c, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < lines; i++) {
                Set<String> words = new TreeSet<>();
                for (int k = 0; k < 4; k++)
                    words.add("w" + random.nextInt(WORDS));
                for (String w : words)
                    if (want.computeIfAbsent(w, x -> new TreeSet<>()).add(i))
                        pairs++;
                p.send(new ProducerRecord<>(app + "-lines", "" + i, String.join(" ", words)));
                Thread.sleep(i % 10 == 0 ? 60 : 0);
                if (i == lines / 4) {
                    kill(at[0]);
                    System.out.println("killed a");
                }
                if (i == lines / 2)
                    processes.add(at[0] = instance(argv[0], app, home[0]));
                if (i == lines * 3 / 4) {
                    kill(at[1]);
                    System.out.println("killed b");
                }
            }
        }
        try (var all = Files.walk(home[1])) {
            for (Path x : all.sorted(Comparator.reverseOrder()).collect(Collectors.toList()))
                if (!x.equals(home[1]))
                    Files.delete(x);
        }
        processes.add(at[1] = instance(argv[0], app, home[1]));
        long wanted = pairs;
        await("both hold everything",
            ()
                -> stores()[0] == want.size() && stores()[1] == wanted &&
                       told.values().stream().allMatch(s -> s.startsWith("RUNNING")));
        kill(at[0]);
        told.remove("a");
        await("b holds everything alone", () -> stores()[0] == want.size() && stores()[1] == wanted);

        Map<String, String> got = new HashMap<>();
        c.put("group.id", app + "-check");
        try (KafkaConsumer<String, String> consumer =
                 new KafkaConsumer<>(c, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> all = new ArrayList<>();
            for (int i = 0; i < PARTITIONS; i++)
                all.add(new TopicPartition(app + "-index", i));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> end = consumer.endOffsets(all);
            while (!all.stream().allMatch(p -> consumer.position(p) >= end.get(p)))
                for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200)))
                    got.put(r.key(), r.value());
        }
        int faults = 0;
        for (Map.Entry<String, Set<Integer>> e : want.entrySet()) {
            String w = e.getValue().stream().map(String::valueOf).collect(Collectors.joining(" "));
            if (!w.equals(got.get(e.getKey()))) {
                faults++;
                System.out.println("FAULT " + e.getKey() + ": " + got.get(e.getKey()) + " for " + w);
            }
        }
        System.out.println(want.size() + " words, " + pairs + " entries, " + faults + " faults");
        leave(faults == 0 ? 0 : 1);
    }
}
