// Churn.java: producers with every codec and groups with every assignor of the kafka-clients on the class path work for
// a while, during which brokers may be killed; then nothing acknowledged may be lost, doubled or out of order, and
// every group must have read all of it. usage: java -cp 'LIBS/*' Churn.java BOOTSTRAP SECONDS [TOPIC]
import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.utils.AppInfoParser;

public class Churn {
    static final int PARTITIONS = 6;
    static String bootstrap, topic, version;
    static volatile boolean stopProducing, stopConsuming;
    static final Queue<String> faults = new ConcurrentLinkedQueue<>();
    // value -> partition and offset that its acknowledgement told
    static final Map<String, String> acked = new ConcurrentHashMap<>();
    static final AtomicInteger failed = new AtomicInteger();

    static boolean since(int major, int minor) {
        String[] v = version.split("[.-]");
        int m = Integer.parseInt(v[0]), n = Integer.parseInt(v[1]);
        return m > major || m == major && n >= minor;
    }

    static void fault(String text) {
        faults.add(text);
        System.out.println("FAULT " + text);
    }

    static void produce(String codec) {
        Map<String, Object> c = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", "all",
            "enable.idempotence", "true", "retries", Integer.MAX_VALUE, "linger.ms", "5"));
        c.put("max.in.flight.requests.per.connection", since(1, 0) ? "5" : "1");
        c.put("compression.type", codec);
        c.put("request.timeout.ms", "10000");
        c.put("max.block.ms", "120000");
        c.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        c.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (KafkaProducer<String, String> p = new KafkaProducer<>(c)) {
            for (int i = 0; !stopProducing; i++) {
                String value = codec + " " + i;
                ProducerRecord<String, String> r =
                    new ProducerRecord<>(topic, i % PARTITIONS, codec, value + " ".repeat(i % 200));
                r.headers().add("codec", codec.getBytes());
                p.send(r, (meta, e) -> {
                    if (e != null) {
                        failed.incrementAndGet();
                        fault("send of " + value + ": " + e);
                    } else if (acked.put(value, meta.partition() + "@" + meta.offset()) != null)
                        fault("acknowledged twice: " + value);
                });
                if (i % 50 == 49)
                    Thread.sleep(20);
            }
            p.flush();
        } catch (Exception e) {
            fault("producer " + codec + ": " + e);
        }
    }

    static final class Group {
        final String id, assignor;
        final boolean fixed;
        final Map<TopicPartition, BitSet> seen = new ConcurrentHashMap<>();
        final AtomicLong read = new AtomicLong(), commits = new AtomicLong(), refused = new AtomicLong(),
                         rebalances = new AtomicLong();

        Group(String assignor, boolean fixed) {
            this.id = topic + "-" + assignor + (fixed ? "-static" : "");
            this.assignor = assignor;
            this.fixed = fixed;
        }

        synchronized void saw(ConsumerRecord<?, ?> r) {
            seen.computeIfAbsent(new TopicPartition(r.topic(), r.partition()), x -> new BitSet()).set((int) r.offset());
            read.incrementAndGet();
        }

        void run(int member) {
            Map<String, Object> c = config(id);
            c.put("client.id", id + "-" + member);
            c.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor + "Assignor");
            c.put("session.timeout.ms", "10000");
            c.put("heartbeat.interval.ms", "1000");
            if (fixed)
                c.put("group.instance.id", "instance-" + member);
            try {
                for (int life = 0; !stopConsuming; life++)
                    live(c, member, life);
            } catch (Throwable e) {
                fault("consumer of " + id + ": " + e);
                e.printStackTrace();
            }
        }

        void live(Map<String, Object> c, int member, int life) throws Exception {
            KafkaConsumer<String, String> consumer = new KafkaConsumer<>(c);
            try {
                consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                    public void onPartitionsRevoked(Collection<TopicPartition> p) {}
                    public void onPartitionsAssigned(Collection<TopicPartition> p) {
                        rebalances.incrementAndGet();
                    }
                });
                long end = System.nanoTime() +
                           (member == 1 ? 8 : 3600) * 1_000_000_000L; // the second one leaves and comes back
                for (int i = 0; !stopConsuming && System.nanoTime() < end; i++) {
                    ConsumerRecords<String, String> got = poll(consumer, 200);
                    for (ConsumerRecord<String, String> r : got)
                        saw(r);
                    if (i % 7 == 0)
                        consumer.pause(consumer.assignment());
                    if (i % 7 == 1)
                        consumer.resume(consumer.paused());
                    Map<TopicPartition, OffsetAndMetadata> at = new HashMap<>();
                    for (TopicPartition p : got.partitions())
                        at.put(p, new OffsetAndMetadata(last(got.records(p)) + 1, "by " + member));
                    if (at.isEmpty())
                        continue;
                    commits.incrementAndGet();
                    if (i % 2 == 0)
                        consumer.commitAsync(at, (x, e) -> {
                            if (e != null)
                                refused.incrementAndGet();
                        });
                    else
                        try {
                            consumer.commitSync(at);
                        } catch (CommitFailedException | RebalanceInProgressException | RetriableException e) {
                            refused.incrementAndGet();
                        }
                }
            } finally {
                consumer.close();
            }
        }
    }

    static long last(List<? extends ConsumerRecord<?, ?>> records) {
        return records.get(records.size() - 1).offset();
    }

    static Map<String, Object> config(String group) {
        Map<String, Object> c = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group,
            "enable.auto.commit", "false", "auto.offset.reset", "earliest", "request.timeout.ms", "40000"));
        c.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        c.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        return c;
    }

    @SuppressWarnings("unchecked")
    static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> c, long ms) throws Exception {
        try {
            try {
                return (ConsumerRecords<String, String>) c.getClass()
                    .getMethod("poll", Duration.class)
                    .invoke(c, Duration.ofMillis(ms));
            } catch (NoSuchMethodException e) {
                return (ConsumerRecords<String, String>) c.getClass().getMethod("poll", long.class).invoke(c, ms);
            }
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof Exception ? (Exception) e.getCause() : new Exception(e.getCause());
        }
    }

    static OffsetAndMetadata committed(KafkaConsumer<String, String> c, TopicPartition p) throws Exception {
        try {
            return (OffsetAndMetadata) ((Map<?, ?>) c.getClass().getMethod("committed", Set.class).invoke(c, Set.of(p)))
                .get(p);
        } catch (NoSuchMethodException e) {
            return (OffsetAndMetadata) c.getClass().getMethod("committed", TopicPartition.class).invoke(c, p);
        }
    }

    // Reads everything by hand: each acknowledged value once, where its acknowledgement said, and each producer's in
    // order; then looks at positions.
    static long verify(List<Group> groups) throws Exception {
        List<TopicPartition> all = new ArrayList<>();
        for (int i = 0; i < PARTITIONS; i++)
            all.add(new TopicPartition(topic, i));
        long count = 0;
        try (KafkaConsumer<String, String> c = new KafkaConsumer<>(config(topic + "-verify"))) {
            Map<TopicPartition, Long> end = c.endOffsets(all);
            c.assign(all);
            c.seekToBeginning(all);
            Map<String, Integer> before = new HashMap<>();
            Map<String, String> missing = new HashMap<>(acked);
            Map<TopicPartition, ConsumerRecord<String, String>> middle = new HashMap<>();
            for (long deadline = System.nanoTime() + 120_000_000_000L;
                 !all.stream().allMatch(p -> c.position(p) >= end.get(p));) {
                if (System.nanoTime() > deadline) {
                    fault("the end was not reached: " + end);
                    return count;
                }
                for (ConsumerRecord<String, String> r : poll(c, 200)) {
                    count++;
                    TopicPartition p = new TopicPartition(topic, r.partition());
                    String value = r.value().trim(), where = missing.remove(value);
                    if (where == null)
                        fault((acked.containsKey(value) ? "doubled: " : "not acknowledged, but there: ") + value + " " +
                              r.partition() + "@" + r.offset());
                    else if (!where.equals(r.partition() + "@" + r.offset()))
                        fault(value + " is at " + r.partition() + "@" + r.offset() + ", not at " + where);
                    int number = Integer.parseInt(value.split(" ")[1]);
                    Integer last = before.put(r.key() + r.partition(), number);
                    if (last != null && number != last + PARTITIONS)
                        fault(value + " follows " + last);
                    if (!new String(r.headers().lastHeader("codec").value()).equals(r.key()))
                        fault("header of " + value);
                    if (r.offset() == end.get(p) / 2)
                        middle.put(p, r);
                }
            }
            if (!missing.isEmpty())
                fault(missing.size() + " lost, such as " + missing.entrySet().iterator().next());
            Map<TopicPartition, Long> times = new HashMap<>();
            middle.forEach((p, r) -> times.put(p, r.timestamp()));
            c.offsetsForTimes(times).forEach((p, found) -> {
                if (found == null || found.offset() > middle.get(p).offset() || found.timestamp() < times.get(p))
                    fault("offsetsForTimes of " + p + ": " + found + " for " + middle.get(p));
            });
            for (TopicPartition p : all) {
                if (middle.get(p) == null)
                    continue;
                c.seek(p, middle.get(p).offset());
                if (c.position(p) != middle.get(p).offset())
                    fault("seek of " + p);
            }
            for (Group g : groups)
                for (TopicPartition p : all) {
                    BitSet seen = g.seen.getOrDefault(p, new BitSet());
                    if (seen.cardinality() != end.get(p))
                        fault(g.id + " saw " + seen.cardinality() + " of " + end.get(p) + " of " + p + ", not " +
                              seen.nextClearBit(0));
                }
        }
        for (Group g : groups)
            try (KafkaConsumer<String, String> c = new KafkaConsumer<>(config(g.id))) {
                for (TopicPartition p : all) {
                    OffsetAndMetadata at = committed(c, p);
                    if (at == null || !at.metadata().startsWith("by "))
                        fault(g.id + " committed " + at + " of " + p);
                }
            }
        return count;
    }

    public static void main(String[] argv) throws Exception {
        version = AppInfoParser.getVersion();
        bootstrap = argv[0];
        topic = argv.length > 2 ? argv[2] : "churn-" + version;
        try (AdminClient admin = AdminClient.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
            admin
                .createTopics(
                    List.of(new NewTopic(topic, PARTITIONS, (short) 3).configs(Map.of("min.insync.replicas", "2"))))
                .all()
                .get();
        }
        List<String> codecs = new ArrayList<>(List.of("none", "gzip", "snappy", "lz4"));
        if (since(2, 1))
            codecs.add("zstd");
        List<Group> groups = new ArrayList<>();
        for (String a : new String[] {"Range", "RoundRobin", "Sticky", "CooperativeSticky"}) {
            if (a.startsWith("Coop") && !since(2, 4))
                continue;
            groups.add(new Group(a, false));
            if (since(2, 3) && !a.equals("RoundRobin") && !a.equals("Sticky"))
                groups.add(new Group(a, true));
        }
        List<Thread> producers = new ArrayList<>(), consumers = new ArrayList<>();
        for (String codec : codecs)
            producers.add(new Thread(() -> produce(codec)));
        for (Group g : groups)
            for (int m = 0; m < 2; m++) {
                int member = m;
                consumers.add(new Thread(() -> g.run(member)));
            }
        producers.forEach(Thread::start);
        consumers.forEach(Thread::start);
        System.out.println("running");
        System.out.flush();
        Thread.sleep(Integer.parseInt(argv[1]) * 1000L);
        stopProducing = true;
        for (Thread t : producers)
            t.join(130_000);
        long want = acked.size(), deadline = System.nanoTime() + 90_000_000_000L;
        while (System.nanoTime() < deadline &&
               groups.stream().anyMatch(g -> g.seen.values().stream().mapToLong(BitSet::cardinality).sum() < want))
            Thread.sleep(200);
        stopConsuming = true;
        for (Thread t : consumers)
            t.join(60_000);
        if (consumers.stream().anyMatch(Thread::isAlive))
            fault("a consumer does not close");
        long count = verify(groups);
        for (Group g : groups)
            System.out.println(g.id + ": read " + g.read + ", " + g.commits + " commits, " + g.refused + " refused, " +
                               g.rebalances + " rebalances");
        System.out.println(
            version + ": " + acked.size() + " acknowledged, " + count + " there, " + faults.size() + " faults");
        System.out.flush();
        Runtime.getRuntime().halt(faults.isEmpty() ? 0 : 1);
    }
}
