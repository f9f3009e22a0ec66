// Letters.java: Spring Kafka: topics made by KafkaAdmin, KafkaTemplate, a listener with three threads that retries what
// fails and sends what fails for good to a dead letter topic, one with retry topics, and a batch listener with manual
// acknowledgement. Every letter must come to its end. usage: java -cp 'OUT:LIBS/*' Letters BOOTSTRAP [LETTERS]
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.*;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.*;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.retrytopic.RetryTopicConfiguration;
import org.springframework.kafka.retrytopic.RetryTopicConfigurationBuilder;
import org.springframework.kafka.support.Acknowledgment;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.util.backoff.FixedBackOff;

@Configuration
@EnableKafka
public class Letters {
    public static String bootstrap, topic; // public: the expressions of the annotations read it
    static final Set<String> read = ConcurrentHashMap.newKeySet(), dead = ConcurrentHashMap.newKeySet(),
                             batched = ConcurrentHashMap.newKeySet(), retried = ConcurrentHashMap.newKeySet(),
                             lost = ConcurrentHashMap.newKeySet();
    static final Set<String> threads = ConcurrentHashMap.newKeySet();
    static final Map<String, AtomicInteger> tries = new ConcurrentHashMap<>();

    static int again(String value) {
        return tries.computeIfAbsent(value, x -> new AtomicInteger()).incrementAndGet();
    }

    static int number(String value) {
        return Integer.parseInt(value.substring(1));
    }

    @Bean
    KafkaAdmin admin() {
        KafkaAdmin a = new KafkaAdmin(new HashMap<>(Map.of("bootstrap.servers", bootstrap)));
        a.setFatalIfBrokerNotAvailable(true);
        a.setModifyTopicConfigs(true);
        return a;
    }

    @Bean
    NewTopic inbox() {
        return TopicBuilder.name(topic).partitions(6).replicas(3).config("retention.ms", "3600000").build();
    }

    @Bean
    NewTopic deadLetters() {
        return TopicBuilder.name(topic + ".dead").partitions(6).replicas(3).build();
    }

    @Bean
    KafkaAdmin.NewTopics more() {
        return new KafkaAdmin.NewTopics(TopicBuilder.name(topic + "-tries").partitions(2).replicas(3).build(),
            TopicBuilder.name(topic + "-defaults").build());
    }

    @Bean
    ProducerFactory<String, String> producers() {
        return new DefaultKafkaProducerFactory<>(new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", "all",
            "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class)));
    }

    @Bean
    KafkaTemplate<String, String> template(ProducerFactory<String, String> f) {
        return new KafkaTemplate<>(f);
    }

    @Bean
    ConsumerFactory<String, String> consumers() {
        return new DefaultKafkaConsumerFactory<>(
            new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "key.deserializer",
                StringDeserializer.class, "value.deserializer", StringDeserializer.class)));
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory(
        ConsumerFactory<String, String> c, KafkaTemplate<String, String> t) {
        var f = new ConcurrentKafkaListenerContainerFactory<String, String>();
        f.setConsumerFactory(c);
        f.setConcurrency(3);
        var recoverer = new DeadLetterPublishingRecoverer(
            t, (r, e) -> new org.apache.kafka.common.TopicPartition(topic + ".dead", r.partition()));
        f.setCommonErrorHandler(new DefaultErrorHandler(recoverer, new FixedBackOff(20, 2)));
        return f;
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> batches(ConsumerFactory<String, String> c) {
        var f = new ConcurrentKafkaListenerContainerFactory<String, String>();
        f.setConsumerFactory(c);
        f.setBatchListener(true);
        f.getContainerProperties().setAckMode(ContainerProperties.AckMode.MANUAL);
        return f;
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> plain(ConsumerFactory<String, String> c) {
        var f = new ConcurrentKafkaListenerContainerFactory<String, String>();
        f.setConsumerFactory(c);
        return f;
    }

    @Bean
    TaskScheduler scheduler() {
        return new ThreadPoolTaskScheduler();
    }

    @Bean
    RetryTopicConfiguration retries(
        KafkaTemplate<String, String> t, ConcurrentKafkaListenerContainerFactory<String, String> plain) {
        return RetryTopicConfigurationBuilder.newInstance()
            .fixedBackOff(200)
            .maxAttempts(3)
            .autoCreateTopicsWith(2, (short) 3)
            .listenerFactory(plain)
            .includeTopic(topic + "-tries")
            .create(t);
    }

    @KafkaListener(id = "reader", groupId = "#{T(Letters).topic}-reader", topics = "#{T(Letters).topic}")
    void read(ConsumerRecord<String, String> r) {
        threads.add(Thread.currentThread().getName());
        int n = number(r.value());
        if (n % 50 == 7 || n % 50 == 8 && again(r.value()) < 3)
            throw new IllegalStateException("no");
        read.add(r.value());
    }

    @KafkaListener(id = "dead", groupId = "#{T(Letters).topic}-dead", topics = "#{T(Letters).topic}.dead",
        containerFactory = "plain")
    void
    bury(ConsumerRecord<String, String> r) {
        if (r.headers().lastHeader("kafka_dlt-original-topic") != null)
            dead.add(r.value());
    }

    @KafkaListener(id = "batch", groupId = "#{T(Letters).topic}-batch", topics = "#{T(Letters).topic}",
        containerFactory = "batches")
    void
    batch(List<ConsumerRecord<String, String>> all, Acknowledgment ack) {
        all.forEach(r -> batched.add(r.value()));
        ack.acknowledge();
    }

    @KafkaListener(id = "tries", groupId = "#{T(Letters).topic}-tries", topics = "#{T(Letters).topic}-tries",
        containerFactory = "plain")
    void
    tryIt(ConsumerRecord<String, String> r) {
        int n = number(r.value());
        if (n % 10 == 3 || n % 10 == 4 && again("x" + n) < 2)
            throw new IllegalStateException("no");
        retried.add(r.value());
    }

    @KafkaListener(id = "lost", groupId = "#{T(Letters).topic}-lost", topics = "#{T(Letters).topic}-tries-dlt",
        containerFactory = "plain")
    void
    lost(ConsumerRecord<String, String> r) {
        lost.add(r.value());
    }

    static void await(String what, BooleanSupplier holds) throws Exception {
        for (long end = System.nanoTime() + 90_000_000_000L; !holds.getAsBoolean(); Thread.sleep(100))
            if (System.nanoTime() > end) {
                System.out.println("waited in vain: " + what + ": read " + read.size() + " dead " + dead.size() +
                                   " batched " + batched.size() + " retried " + retried.size() + " lost " +
                                   lost.size());
                System.out.flush();
                Runtime.getRuntime().halt(1);
            }
        System.out.println(what);
    }

    public static void main(String[] argv) throws Exception {
        bootstrap = argv[0];
        topic = "letters-" + System.currentTimeMillis() % 1000000;
        int count = argv.length > 1 ? Integer.parseInt(argv[1]) : 5000;
        try (var context = new AnnotationConfigApplicationContext(Letters.class)) {
            @SuppressWarnings("unchecked")
            KafkaTemplate<String, String> template = context.getBean(KafkaTemplate.class);
            KafkaAdmin admin = context.getBean(KafkaAdmin.class);
            System.out.println(admin.describeTopics(topic, topic + "-tries", topic + "-defaults")
                                   .values()
                                   .stream()
                                   .map(d -> d.name() + " " + d.partitions().size())
                                   .sorted()
                                   .toList());
            for (int i = 0; i < count; i++)
                template.send(topic, "k" + i, "v" + i);
            for (int i = 0; i < 40; i++)
                template.send(topic + "-tries", "v" + i);
            template.flush();
            int bad = (count + 42) / 50;
            await("the rest is read", () -> read.size() == count - bad);
            await("dead letters are there", () -> dead.size() == bad);
            await("batches are read", () -> batched.size() == count);
            await("retries are read", () -> retried.size() == 36);
            await("what failed for good is there", () -> lost.size() == 4);
            System.out.println("threads " + threads.size());
        }
        System.out.println(count + " letters, 0 faults");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
