/* load.c: one client, one kind of work, the brokers' CPU read from /proc: the same against any broker that speaks
 * Kafka's protocol.
 *
 *     load produce BOOTSTRAP PIDS TOPIC RECORDS SIZE [property=value...]
 *     load consume BOOTSTRAP PIDS TOPIC RECORDS [property=value...]        of partition 0
 *     load latency BOOTSTRAP PIDS TOPIC RATE SECONDS SIZE [property=value...]
 *
 * PIDS: the brokers' processes, with commas. Prints one line: rates, and CPU-seconds of the brokers per GB (10^9 bytes)
 * and per million records. Latency is taken from when a record was due (RATE a second, not when the client got round
 * to it) to when its acknowledgement was handed over; the first fifth of the time is not counted.
 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_long acknowledged, failed;

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CPU-seconds that one process has used so far: fields 14 and 15 of its stat, counted from behind the command's name.
 */
static double cpu_of(long pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) die(path, "no such process");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 14; field++) at = strchr(at + 1, ' ');
    if (!at) die(path, "unreadable");
    unsigned long user = strtoul(at + 1, &at, 10), kernel = strtoul(at, NULL, 10);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of_all(const char *pids) {
    double sum = 0;
    char *end;
    for (const char *at = pids; *at; at = *end ? end + 1 : end) sum += cpu_of(strtol(at, &end, 10));
    return sum;
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *bootstrap, char **properties) {
    char why[256];
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof why)) die("bootstrap.servers", why);
    for (; *properties; properties++) {
        char *equals = strchr(*properties, '=');
        if (!equals) die(*properties, "is no property=value");
        *equals = '\0';
        if (rd_kafka_conf_set(conf, *properties, equals + 1, why, sizeof why)) die(*properties, why);
    }
    rd_kafka_t *handle = rd_kafka_new(type, conf, why, sizeof why);
    if (!handle) die("client", why);
    return handle;
}

static void report(const char *what, long records, double bytes, double seconds, double cpu) {
    printf("%s %ld records: %.0f records/s, %.1f MB/s; brokers %.2f CPU-s = %.3f per GB = %.3f per million\n", what,
           records, (double)records / seconds, bytes / seconds / 1e6, cpu, cpu / (bytes / 1e9),
           cpu / ((double)records / 1e6));
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    if (m->err)
        failed++;
    else
        acknowledged++;
}

static void produce(char **argv) {
    long records = strtol(argv[5], NULL, 10);
    size_t size = strtoul(argv[6], NULL, 10);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set(conf, "queue.buffering.max.messages", "500000", NULL, 0);
    rd_kafka_conf_set(conf, "queue.buffering.max.kbytes", "1000000", NULL, 0);
    rd_kafka_t *handle = client(RD_KAFKA_PRODUCER, conf, argv[2], argv + 7);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, argv[4], NULL);
    char *value = calloc(1, size);
    if (!value) die("memory", "none");
    for (size_t i = 0; i < size; i++) value[i] = (char)('a' + (i * 7 + i / 13) % 26);
    double cpu = cpu_of_all(argv[3]), began = now();
    for (long i = 0; i < records; i++) {
        while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL)) rd_kafka_poll(handle, 10);
        if (i % 1024 == 0) rd_kafka_poll(handle, 0);
    }
    while (acknowledged + failed < records) rd_kafka_poll(handle, 100);
    double seconds = now() - began;
    if (failed) die("produce", "records failed");
    report("produce", records, (double)records * (double)size, seconds, cpu_of_all(argv[3]) - cpu);
}

static void consume(char **argv) {
    enum { BATCH = 10000 };
    static rd_kafka_message_t *messages[BATCH];
    long records = strtol(argv[5], NULL, 10), seen = 0;
    double bytes = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "queued.max.messages.kbytes", "65536", NULL, 0);
    rd_kafka_t *handle = client(RD_KAFKA_CONSUMER, conf, argv[2], argv + 6);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, argv[4], NULL);
    double cpu = cpu_of_all(argv[3]), began = now();
    rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
    while (seen < records) {
        ssize_t n = rd_kafka_consume_batch(topic, 0, 1000, messages, BATCH);
        for (ssize_t i = 0; i < n; i++) {
            if (!messages[i]->err) seen++, bytes += (double)messages[i]->len;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    report("consume", seen, bytes, now() - began, cpu_of_all(argv[3]) - cpu);
}

/* What the acknowledgements of a latency run note; written by the polling thread alone until it has ended. */
static struct {
    double *taken;
    long count;
    double from; /* records due earlier are not counted */
} noted;
static atomic_int polling;

static void timed(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    double due;
    memcpy(&due, &m->_private, sizeof due);
    if (!m->err && due >= noted.from) noted.taken[noted.count++] = now() - due;
    delivered(handle, m, opaque);
}

static void *poll_always(void *handle) {
    while (polling) rd_kafka_poll(handle, 50);
    return NULL;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double percent) {
    return noted.taken[(long)((double)(noted.count - 1) * percent / 100)] * 1e3;
}

static void latency(char **argv) {
    double rate = strtod(argv[5], NULL), length = strtod(argv[6], NULL);
    size_t size = strtoul(argv[7], NULL, 10);
    long records = (long)(rate * length);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, timed);
    rd_kafka_t *handle = client(RD_KAFKA_PRODUCER, conf, argv[2], argv + 8);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, argv[4], NULL);
    char *value = calloc(1, size);
    noted.taken = calloc((size_t)records + 1, sizeof *noted.taken);
    pthread_t poller;
    atomic_store(&polling, 1);
    if (!value || !noted.taken || pthread_create(&poller, NULL, poll_always, handle)) die("memory", "none");
    double cpu = cpu_of_all(argv[3]), began = now();
    noted.from = began + length / 5;
    for (long i = 0; i < records; usleep(100)) {
        for (double due = began; i < records && (due = began + (double)i / rate) <= now(); i++) {
            void *opaque;
            memcpy(&opaque, &due, sizeof opaque);
            if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, opaque))
                die("produce", "queue full");
        }
    }
    rd_kafka_flush(handle, 30000);
    atomic_store(&polling, 0);
    pthread_join(poller, NULL);
    double seconds = now() - began;
    if (failed || acknowledged < records || !noted.count) die("latency", "records failed");
    qsort(noted.taken, (size_t)noted.count, sizeof *noted.taken, by_size);
    printf("latency %.0f records/s: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms; brokers %.3f of a core\n",
           rate, percentile(50), percentile(99), percentile(99.9), percentile(100),
           (cpu_of_all(argv[3]) - cpu) / seconds);
}

int main(int argc, char **argv) {
    if (argc >= 7 && strcmp(argv[1], "produce") == 0)
        produce(argv);
    else if (argc >= 6 && strcmp(argv[1], "consume") == 0)
        consume(argv);
    else if (argc >= 8 && strcmp(argv[1], "latency") == 0)
        latency(argv);
    else
        die("usage", "load produce BOOTSTRAP PIDS TOPIC RECORDS SIZE | load consume BOOTSTRAP PIDS TOPIC RECORDS | "
                     "load latency BOOTSTRAP PIDS TOPIC RATE SECONDS SIZE");
    fflush(stdout);
    _Exit(0); /* tearing the client down is not what is measured */
}
