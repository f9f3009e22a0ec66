/* checker.c: reads a topic back and holds it against the logs of the producers (producer.c) that wrote it.
 *
 *     checker BOOTSTRAP TOPIC PARTITIONS SECONDS LOG...
 *
 * LOG is "ID=FILE". Every partition is read from its beginning until its end, and at least as far as was acknowledged;
 * SECONDS without any progress end the reading. Reported, and a violation each: an acknowledged record that is not
 * there (lost); a record that is there twice (duplicate); a record at another place than it was acknowledged for
 * (moved); a lower number after a higher one of the same producer in a partition (order); an offset that is not the
 * previous one's successor (gap); a value that no producer wrote (foreign). Prints the first of each kind and a line of
 * counts. Exit: 0 none, 1 some, 2 usage, 3 nothing could be read.
 */
#include "tests/rdk.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>

#define PRODUCERS_MAX 16
#define SHOWN 5

struct acked {
    int64_t offset; /* -1: not acknowledged */
    int32_t partition;
    int32_t seen; /* how often it was read */
};

struct producer {
    char id[32];
    struct acked *of; /* by number; grows as numbers come */
    long count, room;
    long *last; /* per partition, the number read last; -1 before the first */
};

struct check {
    struct producer producers[PRODUCERS_MAX];
    int producer_count, partitions;
    int64_t *next;  /* per partition, the offset that must come next */
    int64_t *least; /* per partition, one past the last acknowledged offset */
    int *ended;
    long read, acknowledged, lost, duplicate, moved, order, gap, foreign, unacknowledged;
};

static void say(long nth, const char *what, const char *id, long number, int partition, int64_t offset) {
    if (nth <= SHOWN) printf("%s: %s %ld in partition %d, offset %" PRId64 "\n", what, id, number, partition, offset);
}

static struct acked *at(struct producer *p, long number) {
    if (number >= p->room) {
        long room = p->room ? p->room : 65536;
        while (room <= number) room *= 2;
        struct acked *of = realloc(p->of, (size_t)room * sizeof *of);
        if (!of) abort();
        for (long i = p->room; i < room; i++) of[i] = (struct acked){.offset = -1};
        p->of = of;
        p->room = room;
    }
    if (number >= p->count) p->count = number + 1;
    return &p->of[number];
}

/* A producer's log. A last line without its end was cut off by the end of its writer. */
static int read_log(struct check *c, struct producer *p, const char *path) {
    FILE *in = fopen(path, "r");
    char line[160];
    if (!in) return -1;
    while (fgets(line, sizeof line, in) && strchr(line, '\n')) {
        long number;
        int partition;
        int64_t offset;
        if (sscanf(line, "%ld %d %" SCNd64, &number, &partition, &offset) != 3) continue; /* a record that failed */
        if (number < 0 || partition < 0 || partition >= c->partitions) continue;
        struct acked *a = at(p, number);
        if (a->offset >= 0) say(++c->duplicate, "acknowledged twice", p->id, number, partition, offset);
        a->offset = offset;
        a->partition = partition;
        if (offset >= c->least[partition]) c->least[partition] = offset + 1;
        c->acknowledged++;
    }
    fclose(in);
    return 0;
}

static struct producer *find(struct check *c, const char *id) {
    for (int i = 0; i < c->producer_count; i++) {
        if (!strcmp(c->producers[i].id, id)) return &c->producers[i];
    }
    return NULL;
}

static void one(struct check *c, const rd_kafka_message_t *m) {
    char value[96], id[32];
    long number;
    size_t len = m->len < sizeof value ? m->len : sizeof value - 1;
    memcpy(value, m->payload, len);
    value[len] = 0;
    c->read++;
    if (m->offset != c->next[m->partition])
        say(++c->gap, "gap", "-", (long)c->next[m->partition], m->partition, m->offset);
    c->next[m->partition] = m->offset + 1;
    struct producer *p = sscanf(value, "%31s %ld", id, &number) == 2 && number >= 0 ? find(c, id) : NULL;
    if (!p) {
        say(++c->foreign, "foreign", value, -1, m->partition, m->offset);
        return;
    }
    struct acked *a = at(p, number);
    if (a->seen++) say(++c->duplicate, "duplicate", id, number, m->partition, m->offset);
    if (number < p->last[m->partition]) say(++c->order, "order", id, number, m->partition, m->offset);
    if (number > p->last[m->partition]) p->last[m->partition] = number;
    if (a->offset < 0) {
        c->unacknowledged++;
    } else if (a->seen == 1 && (a->offset != m->offset || a->partition != m->partition)) {
        say(++c->moved, "moved (read place)", id, number, m->partition, m->offset);
        say(c->moved, "moved (acknowledged)", id, number, a->partition, a->offset);
    }
}

static int all_ended(const struct check *c) {
    for (int p = 0; p < c->partitions; p++) {
        if (!c->ended[p]) return 0;
    }
    return 1;
}

static void read_back(struct check *c, rd_kafka_t *handle, long seconds) {
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(handle);
    time_t progress = time(NULL);
    while (!all_ended(c) && time(NULL) - progress <= seconds) {
        rd_kafka_message_t *batch[1000];
        ssize_t n = rd_kafka_consume_batch_queue(queue, 100, batch, 1000);
        for (ssize_t i = 0; i < n; i++) {
            const rd_kafka_message_t *m = batch[i];
            if (!m->err) {
                one(c, m);
                progress = time(NULL);
            } else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                c->ended[m->partition] = m->offset >= c->least[m->partition];
            } else if (m->err != RD_KAFKA_RESP_ERR__TRANSPORT && m->err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
                printf("consumer: %s\n", rd_kafka_message_errstr(m));
            }
            rd_kafka_message_destroy(batch[i]);
        }
    }
    for (int p = 0; p < c->partitions; p++) {
        if (!c->ended[p])
            printf("partition %d: read to %" PRId64 " of %" PRId64 " acknowledged, no end in time\n", p, c->next[p],
                   c->least[p]);
    }
    rd_kafka_queue_destroy(queue);
}

static rd_kafka_t *consumer(const char *bootstrap, const char *topic, int partitions) {
    static const char *const fixed[][2] = {{"group.id", "checker"},          {"enable.auto.commit", "false"},
                                           {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"},
                                           {"fetch.wait.max.ms", "50"},      {"check.crcs", "true"},
                                           {"fetch.error.backoff.ms", "50"}};
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (bn_rdk_set(conf, fixed[i][0], fixed[i][1])) return NULL;
    if (bn_rdk_set(conf, "bootstrap.servers", bootstrap)) return NULL;
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!handle) return NULL;
    rd_kafka_poll_set_consumer(handle);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++) rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
    rd_kafka_resp_err_t err = rd_kafka_assign(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err ? NULL : handle;
}

static int verdict(struct check *c) {
    for (int i = 0; i < c->producer_count; i++) {
        struct producer *p = &c->producers[i];
        for (long n = 0; n < p->count; n++) {
            if (p->of[n].offset >= 0 && !p->of[n].seen)
                say(++c->lost, "lost", p->id, n, p->of[n].partition, p->of[n].offset);
        }
    }
    long bad = c->lost + c->duplicate + c->moved + c->order + c->gap + c->foreign;
    printf("checked %ld read, %ld acknowledged, %ld unacknowledged: %ld lost, %ld duplicate, %ld moved, %ld order, %ld "
           "gap, %ld foreign\n",
           c->read, c->acknowledged, c->unacknowledged, c->lost, c->duplicate, c->moved, c->order, c->gap, c->foreign);
    return bad || !all_ended(c) ? 1 : 0;
}

int main(int argc, char **argv) {
    struct check c = {0};
    if (argc < 6 || argc - 5 > PRODUCERS_MAX || (c.partitions = (int)strtol(argv[3], NULL, 10)) < 1) {
        fprintf(stderr, "usage: checker BOOTSTRAP TOPIC PARTITIONS SECONDS ID=LOG...\n");
        return 2;
    }
    size_t count = (size_t)c.partitions;
    c.next = calloc(count, sizeof *c.next);
    c.least = calloc(count, sizeof *c.least);
    c.ended = calloc(count, sizeof *c.ended);
    for (int i = 5; i < argc; i++) {
        struct producer *p = &c.producers[c.producer_count++];
        const char *path = strchr(argv[i], '=');
        if (!path || (size_t)(path - argv[i]) >= sizeof p->id) return 2;
        memcpy(p->id, argv[i], (size_t)(path - argv[i]));
        p->last = malloc(count * sizeof *p->last);
        for (size_t k = 0; k < count; k++) p->last[k] = -1;
        if (read_log(&c, p, path + 1)) {
            fprintf(stderr, "cannot read %s\n", path + 1);
            return 2;
        }
    }
    rd_kafka_t *handle = consumer(argv[1], argv[2], c.partitions);
    if (!handle) return 3;
    read_back(&c, handle, strtol(argv[4], NULL, 10));
    int status = verdict(&c);
    fflush(stdout);
    _Exit(status);
}
