// Admin.java: every call that an AdminClient has, in whatever version of kafka-clients is on the class path: what a
// version lacks is not called. What comes back, result or error, is printed with what must differ between two clusters
// (ports, ids, times, directories) taken out, so that two clusters are compared by diff. Calls are made by name (see
// call), since no single source compiles against all versions.
// usage: java -cp 'LIBS/*' Admin.java BOOTSTRAP
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

public class Admin {
    static class Absent extends RuntimeException {
        Absent(String what) {
            super(what);
        }
    }

    static AdminClient admin;
    static String ports;

    static final String[] HOMES = {"org.apache.kafka.clients.admin.", "org.apache.kafka.common.",
        "org.apache.kafka.common.config.", "org.apache.kafka.common.acl.", "org.apache.kafka.common.resource.",
        "org.apache.kafka.common.quota."};

    static Class<?> type(String name) {
        for (String home : HOMES)
            try {
                return Class.forName(home + name);
            } catch (ClassNotFoundException e) {
                continue;
            }
        throw new Absent(name);
    }

    static boolean fits(Executable e, Object[] args) {
        Class<?>[] types = e.getParameterTypes();
        if (types.length != args.length)
            return false;
        for (int i = 0; i < args.length; i++) {
            Class<?> t = types[i];
            boolean ok = t.isPrimitive() ? args[i] != null && boxed(t) == args[i].getClass()
                                         : args[i] == null || t.isInstance(args[i]);
            if (!ok)
                return false;
        }
        return true;
    }

    static Class<?> boxed(Class<?> primitive) {
        return Array.get(Array.newInstance(primitive, 1), 0).getClass();
    }

    static Object unwrapped(InvocationTargetException e) throws Exception {
        if (e.getCause() instanceof Exception)
            throw(Exception) e.getCause();
        throw(Error) e.getCause();
    }

    // make("OffsetSpec.latest"), make("NewTopic", "t", 3, (short) 1), make("ConfigResource$Type.TOPIC"): a static
    // method, a constant, or a constructor.
    static Object make(String what, Object... args) throws Exception {
        int dot = what.indexOf('.');
        Class<?> c = type(dot < 0 ? what : what.substring(0, dot));
        try {
            if (dot < 0) {
                for (Constructor<?> k : c.getConstructors())
                    if (fits(k, args))
                        return k.newInstance(args);
                throw new Absent(what);
            }
            String member = what.substring(dot + 1);
            for (Method m : c.getMethods())
                if (Modifier.isStatic(m.getModifiers()) && m.getName().equals(member) && fits(m, args))
                    return m.invoke(null, args);
            return c.getField(member).get(null);
        } catch (InvocationTargetException e) {
            return unwrapped(e);
        } catch (NoSuchFieldException e) {
            throw new Absent(what);
        }
    }

    static Object call(Object on, String name, Object... args) throws Exception {
        for (Method m : on.getClass().getMethods())
            if (m.getName().equals(name) && fits(m, args)) {
                m.setAccessible(true);
                try {
                    return m.invoke(on, args);
                } catch (InvocationTargetException e) {
                    return unwrapped(e);
                }
            }
        throw new Absent(name);
    }

    // A result object's futures, each waited for; an object's text, with maps and sets in order.
    static String shown(Object o) throws Exception {
        if (o instanceof KafkaFuture)
            try {
                return shown(((KafkaFuture<?>) o).get(40, TimeUnit.SECONDS));
            } catch (ExecutionException e) {
                return e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
            }
        if (o instanceof Map) {
            Map<String, String> sorted = new TreeMap<>();
            for (Map.Entry<?, ?> e : ((Map<?, ?>) o).entrySet())
                sorted.put(shown(e.getKey()), shown(e.getValue()));
            return sorted.toString();
        }
        if (o instanceof Collection) {
            List<String> texts = new ArrayList<>();
            for (Object x : (Collection<?>) o)
                texts.add(shown(x));
            if (o instanceof Set || !(o instanceof List) ||
                texts.stream().anyMatch(t -> t.startsWith("(groupId=") || t.startsWith("(memberId=")))
                Collections.sort(texts);
            return texts.toString();
        }
        if (o != null && o.getClass().getSimpleName().equals("Config"))
            return shown(
                ((Collection<?>) call(o, "entries")).stream().map(String::valueOf).collect(Collectors.toSet()));
        return String.valueOf(o);
    }

    static String plain(String text) {
        text = text.replace(topic, "TOPIC").replaceAll("m1-[0-9a-f]{8}-[0-9a-f-]{27}", "MEMBER")
                   .replaceAll("(?<![A-Za-z0-9_.-])(?!DYN|org)[A-Za-z0-9_-]{22}(?=[,)=\\]}\\s])", "ID");
        text = text.replaceAll("coordinator=[^)]*", "coordinator=C").replaceAll("/[\\w/.-]*/tmp-[\\w/.-]+", "DIR");
        text = text.replaceAll("(totalBytes|usableBytes)=OptionalLong\\[\\d+\\]", "$1=N")
                   .replaceAll("producerId=\\d+", "producerId=N");
        text = text.replaceAll("(size|clusterId|volume\\w+)=[^,)}]+", "$1=N").replaceAll("@[0-9a-f]{6,8}\\b", "@H");
        text = Pattern.compile("(?<=(?i:timestamp=))1\\d{12}")
                   .matcher(text)
                   .replaceAll(m -> "" + (Long.parseLong(m.group()) - EPOCH));
        text = text.replaceAll("([eE]lr=)N/A", "$1");
        text = sorted(sorted(text, "topicPartitions=([^)]*)", ","), "the following partitions: .([^]]*)", ", ");
        for (int i = 0; i < 10; i++)
            text = text.replace(String.valueOf(Integer.parseInt(ports) + i), "PORT" + i);
        return text;
    }

    // Where what the pattern's group holds is a set's text, its members in order.
    static String sorted(String text, String pattern, String between) {
        return Pattern.compile(pattern).matcher(text).replaceAll(m
            -> Matcher.quoteReplacement(m.group().replace(
                m.group(1), Arrays.stream(m.group(1).split(between)).sorted().collect(Collectors.joining(", ")))));
    }

    interface Body {
        Object run() throws Exception;
    }

    static void say(String what, String getter, Body body) {
        String text;
        try {
            Object result = body.run();
            StringBuilder all = new StringBuilder();
            if (getter.isEmpty())
                all.append(shown(result));
            else
                for (String g : getter.split(" "))
                    all.append(all.length() > 0 ? "\n    " : "").append(g + " " + shown(call(result, g)));
            text = all.toString();
        } catch (Absent e) {
            return;
        } catch (Exception e) {
            text = "thrown " + e.getClass().getSimpleName() + ": " + e.getMessage();
        }
        System.out.println(plain(what + ": " + text));
        System.out.flush();
    }

    static void ask(String what, String getter, String method, Object... args) {
        say(what, getter, () -> call(admin, method, args));
    }

    // As ask, for arguments that an old version has no class for.
    interface Args {
        Object[] get() throws Exception;
    }

    static void ask(String what, String getter, String method, Args args) {
        say(what, getter, () -> call(admin, method, args.get()));
    }

    static Object[] args(Object... all) {
        return all;
    }

    static Object resource(String type, String name) throws Exception {
        return make("ConfigResource", make("ConfigResource$Type." + type), name);
    }

    static <V> Map<Object, V> map(Object k, V v) {
        return new HashMap<>(Collections.singletonMap(k, v));
    }

    static final String[] SPECS = {"earliest", "latest", "maxTimestamp", "earliestLocal", "latestTiered"};

    static void topics(String t) throws Exception {
        TopicPartition[] at = {new TopicPartition(t, 0), new TopicPartition(t, 1), new TopicPartition(t, 99),
            new TopicPartition(t + "-none", 0)};
        Object one = make(
                   "NewTopic", t, new HashMap<>(Map.of(0, List.of(0, 1, 2), 1, List.of(1, 2, 0), 2, List.of(2, 0, 1)))),
               bad = make("NewTopic", "a/b", 1, (short) 1), many = make("NewTopic", t + "-many", 1, (short) 9);
        Object placed = make("NewTopic", t + "-placed", new HashMap<>(Map.of(0, List.of(2, 0), 1, List.of(1, 2))));
        ask("create", "values", "createTopics", List.of(one, bad, many, placed));
        ask("create again", "values", "createTopics", List.of(one));
        ask("create validated", "values", "createTopics",
            ()
                -> args(List.of(make("NewTopic", t + "-never", 1, (short) 1)),
                    call(make("CreateTopicsOptions"), "validateOnly", true)));
        ask("create with configs", "values", "createTopics",
            ()
                -> args(List.of(
                    call(make("NewTopic", t + "-conf", 1, (short) 3), "configs", map("retention.ms", "60000")))));
        ask("create with a bad config", "values", "createTopics",
            () -> args(List.of(call(make("NewTopic", t + "-bad", 1, (short) 3), "configs", map("no.such", "1")))));
        ask("create with defaults", "values", "createTopics",
            () -> args(List.of(make("NewTopic", t + "-def", Optional.empty(), Optional.empty()))));
        say("created", "", () -> {
            Object r = call(admin, "createTopics",
                List.of(
                    call(make("NewTopic", t + "-more", 2, (short) 3), "configs", map("cleanup.policy", "compact"))));
            return shown(call(r, "numPartitions", t + "-more")) + " " +
                shown(call(r, "replicationFactor", t + "-more")) + " " + shown(call(r, "config", t + "-more"));
        });
        Thread.sleep(1500);
        say("list", "",
            ()
                -> ((Set<?>) ((KafkaFuture<?>) call(call(admin, "listTopics"), "names")).get())
                       .stream()
                       .filter(n -> n.toString().startsWith(t))
                       .collect(Collectors.toSet()));
        for (String getter : new String[] {"all", "allTopicNames"})
            ask("describe " + getter, getter, "describeTopics", List.of(t, t + "-placed"));
        ask("describe missing", "values", "describeTopics", List.of(t + "-none", "a/b", ""));
        say("describe by id", "allTopicIds", () -> {
            Object d =
                ((Map<?, ?>) ((KafkaFuture<?>) call(call(admin, "describeTopics", List.of(t)), "allTopicNames")).get())
                    .get(t);
            return call(admin, "describeTopics", make("TopicCollection.ofTopicIds", List.of(call(d, "topicId"))));
        });
        ask("describe small pages", "allTopicNames", "describeTopics",
            ()
                -> args(make("TopicCollection.ofTopicNames", List.of(t, t + "-placed", t + "-none")),
                    call(make("DescribeTopicsOptions"), "partitionSizeLimitPerResponse", 2)));
        ask("partitions", "values", "createPartitions", () -> args(map(t, make("NewPartitions.increaseTo", 5))));
        ask("partitions fewer", "values", "createPartitions", () -> args(map(t, make("NewPartitions.increaseTo", 2))));
        ask("partitions placed", "values", "createPartitions",
            () -> args(map(t, make("NewPartitions.increaseTo", 6, List.of(List.of(1, 2, 0))))));
        ask("partitions badly placed", "values", "createPartitions",
            () -> args(map(t, make("NewPartitions.increaseTo", 7, List.of(List.of(1, 1, 0))))));
        ask("partitions of nothing", "values", "createPartitions",
            () -> args(map(t + "-none", make("NewPartitions.increaseTo", 7))));
        try (KafkaProducer<byte[], byte[]> p = new KafkaProducer<>(clientConfig("Serializer"))) {
            for (int i = 0; i < 30; i++)
                p.send(new ProducerRecord<>(t, i % 2, EPOCH + 1000L * i, null, ("v" + i).getBytes())).get();
        }
        ask("delete records", "lowWatermarks", "deleteRecords",
            ()
                -> args(new HashMap<>(Map.of(at[0], make("RecordsToDelete.beforeOffset", 5L), at[1],
                    make("RecordsToDelete.beforeOffset", 1000L), at[2], make("RecordsToDelete.beforeOffset", 1L)))));
        ask("delete all records", "all", "deleteRecords",
            () -> args(map(at[1], make("RecordsToDelete.beforeOffset", -1L))));
        for (String spec : SPECS)
            ask("offsets " + spec, "all", "listOffsets",
                ()
                    -> args(new HashMap<>(Map.of(
                        at[0], make("OffsetSpec." + spec), new TopicPartition(t, 2), make("OffsetSpec." + spec)))));
        for (long time : new long[] {0, 15_500, 99_000}) // of records of an hour ago
            ask("offsets at " + time, "all", "listOffsets",
                () -> args(map(at[0], make("OffsetSpec.forTimestamp", EPOCH + time))));
        ask("offsets committed only", "all", "listOffsets",
            ()
                -> args(map(at[0], make("OffsetSpec.latest")),
                    make("ListOffsetsOptions",
                        Class.forName("org.apache.kafka.common.IsolationLevel").getEnumConstants()[1])));
        for (String getter : new String[] {"all", "allDescriptions"})
            say("log dirs, " + getter, "", () -> {
                Map<?, ?> dirs =
                    (Map<?, ?>) ((KafkaFuture<?>) call(call(admin, "describeLogDirs", List.of(0, 1, 2)), getter))
                        .get(40, TimeUnit.SECONDS);
                Map<Object, Object> own = new TreeMap<>(); // other topics of the cluster are nobody's business
                for (Map.Entry<?, ?> e : dirs.entrySet())
                    own.put(e.getKey(), Pattern.compile(t + "[\\w-]*=(ReplicaInfo)?\\([^)]*\\)")
                                            .matcher(e.getValue().toString())
                                            .results()
                                            .map(m -> m.group())
                                            .sorted()
                                            .collect(Collectors.toList()));
                return own;
            });
        ask("replica log dirs", "values", "describeReplicaLogDirs",
            ()
                -> args(
                    List.of(make("TopicPartitionReplica", t, 0, 1), make("TopicPartitionReplica", t + "-none", 0, 1))));
        ask("elect preferred", "partitions", "electLeaders", () -> args(make("ElectionType.PREFERRED"), Set.of(at)));
        ask("elect unclean", "partitions", "electLeaders", () -> args(make("ElectionType.UNCLEAN"), Set.of(at)));
        ask("elect all", "all", "electLeaders", () -> args(make("ElectionType.PREFERRED"), null));
        ask("elect, the old way", "partitions", "electPreferredLeaders", List.of(at));
        ask("producers", "all", "describeProducers", List.of(at[0]));
        ask("producers of a broker", "all", "describeProducers",
            () -> args(List.of(at[0]), call(make("DescribeProducersOptions"), "brokerId", 2)));
    }

    static Map<String, Object> clientConfig(String kind) {
        Map<String, Object> c = new HashMap<>();
        c.put("bootstrap.servers", bootstrap);
        for (String side : new String[] {"key.", "value."})
            c.put(side + kind.toLowerCase(), "org.apache.kafka.common.serialization.ByteArray" + kind);
        if (kind.equals("Serializer"))
            c.put("acks", "all");
        return c;
    }

    static String bootstrap, topic;
    static final long EPOCH = System.currentTimeMillis() - 3_600_000; // what is printed of times counts from it

    static void configs(String t) throws Exception {
        List<Object> three =
            List.of(resource("TOPIC", t + "-conf"), resource("BROKER", "1"), resource("TOPIC", t + "-none"));
        say("configs of a topic", "",
            ()
                -> own(
                    ((Map<?, ?>) ((KafkaFuture<?>) call(call(admin, "describeConfigs", List.of(three.get(0))), "all"))
                            .get())
                        .get(three.get(0)),
                    ""));
        say("configs of a broker", "",
            ()
                -> own(
                    ((Map<?, ?>) ((KafkaFuture<?>) call(call(admin, "describeConfigs", List.of(three.get(1))), "all"))
                            .get())
                        .get(three.get(1)),
                    "log.retention|replica.fetch|broker.id"));
        ask("configs of nothing", "values", "describeConfigs", List.of(three.get(2)));
        ask("configs of broker 77", "values", "describeConfigs", () -> args(List.of(resource("BROKER", "77"))));
        for (String kind : new String[] {"BROKER_LOGGER", "CLIENT_METRICS"})
            say("configs of " + kind, "", () -> {
                Object r = resource(kind, kind.equals("BROKER_LOGGER") ? "1" : "x");
                Object config = ((Map<?, ?>) ((KafkaFuture<?>) call(call(admin, "describeConfigs", List.of(r)), "all"))
                                     .get(40, TimeUnit.SECONDS))
                                    .get(r);
                return own(config, "root");
            });
        ask("alter the old way", "values", "alterConfigs",
            () -> args(map(three.get(0), make("Config", List.of(make("ConfigEntry", "retention.ms", "70000"))))));
        ask("alter the old way, bad", "values", "alterConfigs",
            () -> args(map(three.get(0), make("Config", List.of(make("ConfigEntry", "retention.ms", "x"))))));
        String[][] changes = {{"TOPIC", t + "-conf", "SET", "retention.ms", "80000"},
            {"TOPIC", t + "-conf", "APPEND", "cleanup.policy", "compact"},
            {"TOPIC", t + "-conf", "SUBTRACT", "cleanup.policy", "delete"},
            {"TOPIC", t + "-conf", "DELETE", "retention.ms", ""}, {"TOPIC", t + "-conf", "SET", "retention.ms", "x"},
            {"TOPIC", t + "-conf", "APPEND", "retention.ms", "1"}, {"TOPIC", t + "-none", "SET", "retention.ms", "1"},
            {"TOPIC", "", "SET", "retention.ms", "1"}, {"BROKER", "1", "SET", "log.cleaner.threads", "2"},
            {"BROKER", "1", "DELETE", "log.cleaner.threads", ""}, {"BROKER", "1", "SET", "broker.id", "7"},
            {"BROKER", "", "SET", "log.retention.ms", "900000"}, {"BROKER", "", "DELETE", "log.retention.ms", ""},
            {"BROKER_LOGGER", "1", "SET", "root", "INFO"}, {"BROKER_LOGGER", "1", "SET", "root", "LOUD"},
            {"CLIENT_METRICS", "x", "SET", "interval.ms", "1000"},
            {"GROUP", "x", "SET", "consumer.session.timeout.ms", "45000"}};
        for (String[] c : changes) {
            ask("alter " + String.join(" ", c), "values", "incrementalAlterConfigs",
                ()
                    -> args(map(resource(c[0], c[1]), List.of(make("AlterConfigOp", make("ConfigEntry", c[3], c[4]),
                                                          make("AlterConfigOp$OpType." + c[2]))))));
            if (c[0].equals("TOPIC") && c[1].endsWith("conf")) {
                Thread.sleep(300);
                say("then", "",
                    ()
                        -> own(((Map<?, ?>) ((KafkaFuture<?>) call(
                                                 call(admin, "describeConfigs", List.of(three.get(0))), "all"))
                                       .get())
                                   .get(three.get(0)),
                            "retention.ms|cleanup.policy"));
            }
        }
    }

    // The entries whose names begin so.
    static Object own(Object config, String names) throws Exception {
        List<String> out = new ArrayList<>();
        for (Object e : (Collection<?>) call(config, "entries"))
            if (((String) call(e, "name")).matches("(" + names + ").*"))
                out.add(e.toString());
        Collections.sort(out);
        return String.join("\n    ", out);
    }

    static void groups(String t) throws Exception {
        TopicPartition at = new TopicPartition(t, 0), other = new TopicPartition(t, 1),
                       gone = new TopicPartition(t + "-none", 0);
        String live = t + "-live", empty = t + "-empty";
        Map<String, Object> c = clientConfig("Deserializer");
        c.put("group.id", live);
        c.put("client.id", "m1");
        c.put("enable.auto.commit", "false");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(c)) {
            consumer.subscribe(List.of(t));
            Poll.until(consumer, () -> consumer.assignment().size() == consumer.partitionsFor(t).size());
            consumer.commitSync(map2(at, new OffsetAndMetadata(7, "seven"), other, new OffsetAndMetadata(0)));
            say("list groups", "", () -> own2("listConsumerGroups", "all", t));
            say("list all groups", "", () -> own2("listGroups", "all", t));
            say("list groups by state", "", () -> {
                Object options = call(make("ListConsumerGroupsOptions"), "inStates",
                    Set.of(Class.forName("org.apache.kafka.common.ConsumerGroupState").getField("STABLE").get(null)));
                return filtered(call(call(admin, "listConsumerGroups", options), "all"), t);
            });
            ask("describe groups", "describedGroups", "describeConsumerGroups", List.of(live, t + "-never"));
            ask("describe classic groups", "describedGroups", "describeClassicGroups", List.of(live, t + "-never"));
            ask("describe share groups", "describedGroups", "describeShareGroups", List.of(live));
            ask("offsets of a group", "partitionsToOffsetAndMetadata", "listConsumerGroupOffsets", live);
            ask("offsets of some", "partitionsToOffsetAndMetadata", "listConsumerGroupOffsets",
                () -> args(live, call(make("ListConsumerGroupOffsetsOptions"), "topicPartitions", List.of(at, gone))));
            ask("offsets of two groups", "all", "listConsumerGroupOffsets",
                ()
                    -> args(new HashMap<>(Map.of(live, make("ListConsumerGroupOffsetsSpec"), t + "-never",
                        make("ListConsumerGroupOffsetsSpec")))));
            ask("delete a live group", "deletedGroups", "deleteConsumerGroups", List.of(live));
            ask("alter offsets of a live group", "all", "alterConsumerGroupOffsets", live,
                map2(at, new OffsetAndMetadata(3), other, new OffsetAndMetadata(0)));
            ask("delete offsets of a live group", "all", "deleteConsumerGroupOffsets", live, Set.of(at));
            ask("remove a member", "all", "removeMembersFromConsumerGroup",
                ()
                    -> args(live,
                        make("RemoveMembersFromConsumerGroupOptions", List.of(make("MemberToRemove", "nobody")))));
            ask("remove all members", "all", "removeMembersFromConsumerGroup",
                () -> args(live, make("RemoveMembersFromConsumerGroupOptions")));
        }
        ask("alter offsets", "all", "alterConsumerGroupOffsets", empty,
            map2(at, new OffsetAndMetadata(3, "m"), other, new OffsetAndMetadata(1, "x")));
        ask("alter offsets of nothing", "all", "alterConsumerGroupOffsets", empty,
            map2(gone, new OffsetAndMetadata(3), new TopicPartition(t, 77), new OffsetAndMetadata(3)));
        ask("altered", "partitionsToOffsetAndMetadata", "listConsumerGroupOffsets", empty);
        ask("describe altered", "describedGroups", "describeConsumerGroups", List.of(empty));
        ask("delete offsets", "all", "deleteConsumerGroupOffsets", empty, Set.of(at));
        say("delete offsets of nothing", "", () -> {
            Object r = call(admin, "deleteConsumerGroupOffsets", empty, Set.of(gone, other));
            return shown(call(r, "partitionResult", gone)) + " " + shown(call(r, "partitionResult", other));
        });
        ask("delete groups", "deletedGroups", "deleteConsumerGroups", List.of(live, empty, t + "-never"));
        ask("delete them again", "deletedGroups", "deleteConsumerGroups", List.of(live));
        say("list groups after", "", () -> own2("listConsumerGroups", "all", t));
    }

    static Object own2(String method, String getter, String t) throws Exception {
        return filtered(call(call(admin, method), getter), t);
    }

    static Object filtered(Object future, String t) throws Exception {
        return ((Collection<?>) ((KafkaFuture<?>) future).get(40, TimeUnit.SECONDS))
            .stream()
            .map(String::valueOf)
            .filter(s -> s.contains(t))
            .collect(Collectors.toSet());
    }

    static <K, V> Map<K, V> map2(K k1, V v1, K k2, V v2) {
        Map<K, V> m = new HashMap<>();
        m.put(k1, v1);
        m.put(k2, v2);
        return m;
    }

    // What is asked of the cluster, and what a broker may refuse.
    static void cluster(String t) throws Exception {
        say("cluster", "", () -> {
            Object r = call(admin, "describeCluster");
            Object id = ((KafkaFuture<?>) call(r, "clusterId")).get();
            String nodes = ((Collection<?>) ((KafkaFuture<?>) call(r, "nodes")).get())
                               .stream()
                               .map(String::valueOf)
                               .sorted()
                               .collect(Collectors.joining(" "));
            return nodes + " id of " + id.toString().length() + " controller " +
                (((KafkaFuture<?>) call(r, "controller")).get() != null);
        });
        ask("operations", "authorizedOperations", "describeCluster",
            () -> args(call(make("DescribeClusterOptions"), "includeAuthorizedOperations", true)));
        ask("quorum", "quorumInfo", "describeMetadataQuorum");
        ask("reassignments", "reassignments", "listPartitionReassignments");
        ask("metrics resources", "all", "listClientMetricsResources");
        ask("config resources", "all", "listConfigResources");
        say("client id", "", () -> call(admin, "clientInstanceId", java.time.Duration.ofSeconds(5)) != null);
        ask("delete", "values", "deleteTopics", List.of(t, t + "-none"));
        ask("delete by id", "all", "deleteTopics",
            () -> args(make("TopicCollection.ofTopicIds", List.of(make("Uuid.fromString", "AAAAAAAAAAAAAAAAAAAABQ")))));
        for (String more : new String[] {"-placed", "-conf", "-def", "-more"})
            ask("delete " + more, "values", "deleteTopics", List.of(t + more));
    }

    public static void main(String[] argv) throws Exception {
        bootstrap = argv[0];
        ports = bootstrap.replaceAll(".*?:(\\d+).*", "$1");
        String t = topic = "admin-" + System.currentTimeMillis();
        Map<String, Object> c = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "request.timeout.ms", "20000"));
        admin = AdminClient.create(c);
        topics(t);
        configs(t);
        groups(t);
        cluster(t);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}

// KafkaConsumer.poll in every version.
class Poll {
    interface Condition {
        boolean holds();
    }

    static Object once(KafkaConsumer<byte[], byte[]> c, long ms) throws Exception {
        try {
            return c.getClass().getMethod("poll", java.time.Duration.class).invoke(c, java.time.Duration.ofMillis(ms));
        } catch (NoSuchMethodException e) {
            return c.getClass().getMethod("poll", long.class).invoke(c, ms);
        }
    }

    static void until(KafkaConsumer<byte[], byte[]> c, Condition condition) throws Exception {
        for (long deadline = System.nanoTime() + 60_000_000_000L; !condition.holds();) {
            if (System.nanoTime() > deadline)
                throw new IllegalStateException("waited in vain");
            once(c, 100);
        }
    }
}
