/* event_admin.h: the requests of clients that change topics and configs, as the brain takes them. Part of event.h. */
#ifndef BN_EVENT_ADMIN_H
#define BN_EVENT_ADMIN_H

#include "controller/brain/fact.h"

struct bn_event_create_topic {
    const char *name;
    int32_t num_partitions;     /* -1 = the default */
    int16_t replication_factor; /* -1 = the default */
    const struct bn_event_assignment {
        int32_t index;
        struct bn_fact_ids brokers;
    } * assignments;
    int32_t assignment_count;
    const struct bn_fact_pair *configs; /* values not NULL unless config_error says so */
    int32_t config_count;
    int16_t config_error;       /* what common/conf's check found: 0, 40 INVALID_CONFIG, 42 null value... */
    const char *config_message; /* with config_error */
};

struct bn_event_create_topics { /* REPLY_CREATE_TOPICS */
    uint64_t token;
    int32_t timeout_ms;
    bool validate_only;
    int32_t num_partitions;             /* num.partitions of the broker that was asked */
    int16_t default_replication_factor; /* its default.replication.factor */
    const struct bn_event_create_topic *topics;
    int32_t topic_count;
};

struct bn_event_delete_topics { /* REPLY_DELETE_TOPICS */
    uint64_t token;
    int32_t timeout_ms;
    int16_t api_version;      /* below 3 a disabled deletion is INVALID_REQUEST */
    bool delete_topic_enable; /* of the broker that was asked */
    const struct bn_event_delete_topic {
        const char *name;  /* NULL = by id */
        struct bn_uuid id; /* zero = by name */
    } * topics;
    int32_t topic_count;
};

struct bn_event_create_partitions { /* REPLY_CREATE_PARTITIONS */
    uint64_t token;
    int32_t timeout_ms;
    bool validate_only;
    const struct bn_event_add_partitions {
        const char *name;
        int32_t count; /* the new total */
        bool has_assignments;
        const struct bn_fact_ids *assignments; /* of the new partitions, in order */
        int32_t assignment_count;
    } * topics;
    int32_t topic_count;
};

struct bn_event_alter_configs { /* REPLY_ALTER_CONFIGS, one result per entity, when all are decided */
    uint64_t token;
    bool validate_only;
    const struct bn_event_alter_config {
        const char *type, *name; /* of the entity: "topics" or "brokers"; "<default>" too */
        const char *told_name;   /* the resource's name as the client wrote it */
        bool replace;            /* from nothing, instead of from what is set */
        const struct bn_event_config_op {
            const char *name;
            enum {
                BN_EVENT_CONFIG_SET,
                BN_EVENT_CONFIG_DELETE,
                BN_EVENT_CONFIG_APPEND,
                BN_EVENT_CONFIG_SUBTRACT
            } kind;            /* numbered as in IncrementalAlterConfigs */
            const char *value; /* NULL with DELETE */
        } * ops;
        int32_t op_count;
        int16_t error;       /* what the request itself told: not 0 = refused already */
        const char *message; /* with error; NULL = none */
    } * entities;
    int32_t entity_count;
};

#endif
