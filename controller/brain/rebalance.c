/* rebalance.c: Kafka's automatic rebalance of leaders: 5 s after the begin of a reign and then at every interval, each
 * broker's share of partitions that prefer it and are led by another one is compared with the limit; above it, those
 * whose preferred replica may lead are elected anew. Not while a reassignment is under way. Owns nothing. */
#include "controller/brain/rebalance.h"

enum { FIRST_MS = 5000 };

struct share { /* of the partitions that prefer one broker; by the broker's place in the model */
    int32_t preferring, misplaced;
};

void bn_rebalance_start(struct bn_model *m) {
    m->rebalance_ms = m->settings.auto_rebalance ? m->now_ms + FIRST_MS : -1;
}

/* The place of the broker that p prefers; -1 = p does not count. */
static int32_t preferred(const struct bn_model *m, const struct bn_model_partition *p) {
    if (!p->has_state || p->replicas.count == 0) return -1;
    for (int32_t i = 0; i < m->broker_count; i++)
        if (m->brokers[i]->id == p->replicas.ids[0]) return i;
    return -1;
}

static bool is_misplaced(const struct bn_model_partition *p) { return p->state.leader != p->replicas.ids[0]; }

/* False: a reassignment is under way. */
static bool count_shares(const struct bn_model *m, struct share *shares) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++) {
            const struct bn_model_partition *p = t->partitions[i];
            if (p->adding.count || p->removing.count) return false;
            int32_t place = preferred(m, p);
            if (place < 0) continue;
            shares[place].preferring++;
            shares[place].misplaced += is_misplaced(p);
        }
    }
    return true;
}

static void ask_for(struct bn_model *m, const struct share *shares) {
    size_t at = 0;
    int32_t asked = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++) {
            struct bn_model_partition *p = t->partitions[i];
            int32_t place = preferred(m, p);
            if (place < 0 || !is_misplaced(p)) continue;
            const struct bn_model_broker *b = m->brokers[place];
            bool above = (int64_t)shares[place].misplaced * 100 >
                         (int64_t)shares[place].preferring * m->settings.imbalance_percentage;
            bool able = b->registered && b->fit && !b->leaving && bn_ids_has(bn_ids_fact(&p->state.isr), b->id);
            if (!above || !able) continue;
            p->want_preferred = true;
            bn_model_partition_dirty(m, p);
            asked++;
        }
    }
    if (asked)
        BN_MODEL_INFO(
            m, "Starting replica leader election (PREFERRED) for %" PRId32 " partitions triggered by AutoTriggered",
            asked);
}

void bn_rebalance_turn(struct bn_model *m) {
    if (m->rebalance_ms < 0 || m->now_ms < m->rebalance_ms) return;
    int64_t interval = m->settings.rebalance_interval_ms;
    m->rebalance_ms = m->now_ms + (interval > 0 ? interval : 1);
    struct share *shares = bn_model_scratch(m, (size_t)m->broker_count, sizeof *shares);
    if (count_shares(m, shares)) ask_for(m, shares);
}
