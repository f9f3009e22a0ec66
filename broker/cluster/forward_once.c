/* forward_once.c: questions to the controller that are said once: ISR proposals, rebalance state of groups and its
 * reading. Their makers must know when nothing is known: when the connection breaks they are answered with NULL, and
 * whether to ask again is theirs to decide. Owns nothing; requests and answers travel between shards packed. */
#include "broker/cluster/forward_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_forward_once {
    const ProtobufCMessageDescriptor *request, *reply;
    /* Fills in who asks, and calls. */
    void (*send)(struct bn_forward_ask *k, ProtobufCService *client, ProtobufCMessage *request);
    void (*reply_with)(struct bn_forward_ask *k, const ProtobufCMessage *answer); /* NULL: none came */
};

static void came(const ProtobufCMessage *m, void *data) {
    struct bn_forward_ask *k = bn_forward_returned(data);
    if (!k) return;
    if (m) {
        k->answer_len = protobuf_c_message_get_packed_size(m);
        k->answer = bn_alloc(k->answer_len + 1);
        protobuf_c_message_pack(m, k->answer);
    }
    bn_forward_answer(k, BN_FORWARD_NONE);
}

void bn_forward_once_send(struct bn_forward_ask *k) {
    struct bn_agent *a = k->agent;
    ProtobufCMessage *m = protobuf_c_message_unpack(k->once->request, NULL, k->body.len, k->body.ptr);
    BN_ASSERT(m); /* we packed it ourselves */
    k->once->send(k, bn_uplink_client(a->uplink), m);
    protobuf_c_message_free_unpacked(m, NULL);
}

void bn_forward_once_reply(struct bn_forward_ask *k) {
    ProtobufCMessage *m = k->answer ? protobuf_c_message_unpack(k->once->reply, NULL, k->answer_len, k->answer) : NULL;
    k->once->reply_with(k, m);
    if (m) protobuf_c_message_free_unpacked(m, NULL);
}

static struct bn_forward_ask *ask_new(struct bn_agent *a, struct bn_shard *shard, const struct bn_forward_once *once,
                                      const ProtobufCMessage *request, void *reply_arg) {
    size_t size = protobuf_c_message_get_packed_size(request);
    struct bn_forward_ask *k = bn_forward_ask_new(a, shard, BN_FORWARD_ONCE, size);
    protobuf_c_message_pack(request, (uint8_t *)(k + 1));
    k->body = bn_slice_of(k + 1, size);
    k->once = once;
    k->reply_arg = reply_arg;
    return k;
}

/* ---- ISR proposals ---- */

static void on_altered(const Bn__AlterPartitionReply *m, void *data) { came(m ? &m->base : NULL, data); }

static void send_alter(struct bn_forward_ask *k, ProtobufCService *client, ProtobufCMessage *request) {
    Bn__AlterPartitionRequest *m = (Bn__AlterPartitionRequest *)request;
    m->broker_id = k->agent->broker_id;
    m->broker_epoch = bn_register_epoch(k->agent->reg);
    bn__controller__alter_partition(client, m, on_altered, k);
}

static void reply_alter(struct bn_forward_ask *k, const ProtobufCMessage *m) {
    k->reply_once.alter(k->reply_arg, (const Bn__AlterPartitionReply *)m);
}

void bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer),
                                void *reply_arg) {
    static const struct bn_forward_once ALTER = {&bn__alter_partition_request__descriptor,
                                                 &bn__alter_partition_reply__descriptor, send_alter, reply_alter};
    struct bn_forward_ask *k = ask_new(agent, shard, &ALTER, &request->base, reply_arg);
    k->reply_once.alter = reply;
    bn_forward_post(k);
}

/* ---- rebalance state ---- */

static void on_written(const Bn__GroupWriteReply *m, void *data) { came(m ? &m->base : NULL, data); }

static void send_group_write(struct bn_forward_ask *k, ProtobufCService *client, ProtobufCMessage *request) {
    Bn__GroupWriteRequest *m = (Bn__GroupWriteRequest *)request;
    m->broker_id = k->agent->broker_id;
    m->broker_epoch = bn_register_epoch(k->agent->reg);
    bn__controller__group_write(client, m, on_written, k);
}

static void reply_group_write(struct bn_forward_ask *k, const ProtobufCMessage *m) {
    k->reply_once.group_write(k->reply_arg, (const Bn__GroupWriteReply *)m);
}

void bn_forward_group_write(void *agent, struct bn_shard *shard, const Bn__GroupWriteRequest *request,
                            void (*reply)(void *reply_arg, const Bn__GroupWriteReply *answer), void *reply_arg) {
    static const struct bn_forward_once WRITE = {
        &bn__group_write_request__descriptor, &bn__group_write_reply__descriptor, send_group_write, reply_group_write};
    struct bn_forward_ask *k = ask_new(agent, shard, &WRITE, &request->base, reply_arg);
    k->in_line = true;
    k->reply_once.group_write = reply;
    bn_forward_post(k);
}

static void on_read(const Bn__GroupReadReply *m, void *data) { came(m ? &m->base : NULL, data); }

static void send_group_read(struct bn_forward_ask *k, ProtobufCService *client, ProtobufCMessage *request) {
    Bn__GroupReadRequest *m = (Bn__GroupReadRequest *)request;
    m->broker_id = k->agent->broker_id;
    m->broker_epoch = bn_register_epoch(k->agent->reg);
    bn__controller__group_read(client, m, on_read, k);
}

static void reply_group_read(struct bn_forward_ask *k, const ProtobufCMessage *m) {
    k->reply_once.group_read(k->reply_arg, (const Bn__GroupReadReply *)m);
}

void bn_forward_group_read(void *agent, struct bn_shard *shard, const Bn__GroupReadRequest *request,
                           void (*reply)(void *reply_arg, const Bn__GroupReadReply *answer), void *reply_arg) {
    static const struct bn_forward_once READ = {&bn__group_read_request__descriptor, &bn__group_read_reply__descriptor,
                                                send_group_read, reply_group_read};
    struct bn_forward_ask *k = ask_new(agent, shard, &READ, &request->base, reply_arg);
    k->in_line = true;
    k->reply_once.group_read = reply;
    bn_forward_post(k);
}
