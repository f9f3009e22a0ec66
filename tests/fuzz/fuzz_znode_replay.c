/* fuzz_znode_replay.c: valid texts, damaged, for the znodes' fuzz target (see replay.h). */
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/slice.h"
#include "common/zk/znode.h"
#include "tests/fuzz/fuzz_znode.h"
#include "tests/fuzz/replay.h"

static const struct {
    const char *row, *text;
} texts[] = {
    {"broker", "{\"features\":{\"f\":{\"min_version\":1,\"max_version\":3}},"
               "\"listener_security_protocol_map\":{\"A\":\"SSL\"},\"endpoints\":[\"A://h1:9092\","
               "\"B://[::1]:9093\"],\"rack\":\"r\\u0041\",\"jmx_port\":-1,\"port\":9092,\"host\":\"h1\","
               "\"version\":5,\"timestamp\":\"1700000000000\"}"},
    {"broker", "{\"jmx_port\":-1,\"timestamp\":\"1\",\"host\":\"h1\",\"version\":1,\"port\":9092}"},
    {"topic", "{\"partitions\":{\"0\":[1,2],\"1\":[3,1,2]},\"topic_id\":\"AAAAAAAAQAGAAAAAAAAAAQ\","
              "\"adding_replicas\":{\"1\":[3]},\"removing_replicas\":{\"1\":[2]},\"version\":3}"},
    {"state", "{\"controller_epoch\":5,\"leader\":1,\"version\":1,\"leader_epoch\":3,\"isr\":[1,2],\"elr\":[3]}"},
    {"controller", "{\"version\":2,\"brokerid\":1,\"timestamp\":\"17\",\"kraftControllerEpoch\":-1,\"host\":\"h\","
                   "\"port\":1,\"life_port\":2}"},
    {"controller_epoch", "17"},
    {"reassign", "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"replicas\":[1,2,3]}]}"},
    {"config", "{\"version\":1,\"config\":{\"cleanup.policy\":\"compact\",\"retention.ms\":1000,\"x\":true}}"},
    {"config_change", "{\"version\":2,\"entity_path\":\"users/u/clients/<default>\"}"},
    {"config_change", "{\"version\":1,\"entity_type\":\"topics\",\"entity_name\":\"t\"}"},
    {"log_dir_event", "{\"version\":1,\"broker\":1,\"event\":1}"},
    {"cluster_id", "{\"version\":\"1\",\"id\":\"AAAAAAAAQAGAAAAAAAAAAQ\"}"},
    {"feature", "{\"features\":{\"f\":{\"min_version_level\":1,\"max_version_level\":3}},\"version\":1,\"status\":1}"},
    {"producer_ids", "{\"version\":1,\"broker\":1,\"block_start\":\"0\",\"block_end\":\"999\"}"},
    {"incarnation", "{\"version\":1,\"boot_id\":\"AAAAAAAAQAGAAAAAAAAAAQ\",\"host\":\"h\",\"port\":4,"
                    "\"machine_boot_id\":\"x\",\"timestamp\":\"1\"}"},
};

static uint64_t state;

static uint32_t roll(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* The first byte that picks the row, as the target counts them. */
static uint8_t pick(const char *name) {
    uint8_t n = 0;
    for (const struct bn_znode_row *r = bn_znode_rows; r->name; r++) {
        if (!r->decode) continue;
        if (strcmp(r->name, name) == 0) return n;
        n++;
    }
    BN_UNREACHABLE();
}

static size_t damage(uint8_t *in, size_t len) {
    static const char noise[] = "{}[]\",:0-9e.\\u\0tfn\377\302/%";
    size_t at = 1 + roll((uint32_t)len - 1), n = 1 + roll(12);
    switch (roll(5)) {
    case 0:
        in[at] = (uint8_t)noise[roll(sizeof noise)];
        break;
    case 1:
        in[at] ^= (uint8_t)(1u << roll(8));
        break;
    case 2:
        return at + 1;
    case 3:
        n = bn_min_size(n, len - at);
        memmove(in + at, in + at + n, len - at - n);
        return bn_max_size(len - n, 2);
    default: /* a piece of itself, so that keys and numbers stand in new places */
        n = bn_min_size(n * 3, len - at);
        memmove(in + at + n, in + at, len - at);
        return len + n;
    }
    return len;
}

static void run_random(uint64_t n, uint64_t seed) {
    state = seed;
    uint8_t *in = bn_alloc(REPLAY_INPUT_MAX);
    for (uint64_t i = 0; i < n; i++) {
        size_t which = roll(BN_ARRAY_LEN(texts));
        const char *text = texts[which].text;
        size_t len = 1 + strlen(text);
        in[0] = roll(8) ? pick(texts[which].row) : (uint8_t)roll(256);
        memcpy(in + 1, text, len - 1);
        for (uint32_t wounds = roll(4); wounds > 0; wounds--) len = damage(in, len);
        replay_one(in, len);
    }
    bn_alloc_free(in);
    printf("%" PRIu64 " inputs from seed %" PRIu64 ", %" PRIu64 " accepted and written back the same\n", n, seed,
           fuzz_znode_accepted);
    BN_ASSERT(n < 1000 || fuzz_znode_accepted > n / 10);
}

int main(int argc, char **argv) {
    return replay_main(&(struct replay){.name = "fuzz_znode_replay", .inputs = 200000, .run = run_random}, argc, argv);
}
