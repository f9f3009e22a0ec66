/* pool.c: threads for what blocks. One lock guards the queue of ready jobs and the table of busy keys; it is
 * never held while a job runs. A key is in the table while one of its jobs is ready or runs; later jobs of the
 * key wait in its entry. A job's done is posted before its key is passed on, so that dones of one key arrive
 * in order too. A job may be gone once run() (no reply_to) or the post has happened: what is needed later is
 * copied before. */
#include "common/sys/pool.h"

#include <pthread.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/map.h"
#include "common/sys/thread.h"

struct busy_key {
    uint64_t key;
    struct bn_job *first, *last; /* waiting, linked by next_in_key */
};

struct bn_pool {
    pthread_mutex_t lock;
    pthread_cond_t ready_cond;
    struct bn_msg *first, *last; /* ready jobs, linked by msg.next */
    struct bn_map keys;          /* struct busy_key */
    bool closing;
    int thread_count;
    pthread_t *threads;
};

static void push_ready(struct bn_pool *p, struct bn_job *job) {
    job->msg.next = NULL;
    if (p->last) p->last->next = &job->msg;
    else p->first = &job->msg;
    p->last = &job->msg;
    pthread_cond_signal(&p->ready_cond);
}

static struct bn_job *pop_ready(struct bn_pool *p) {
    struct bn_msg *m = p->first;
    p->first = m->next;
    if (!p->first) p->last = NULL;
    return BN_CONTAINER_OF(m, struct bn_job, msg);
}

static void pass_key_on(struct bn_pool *p, uint64_t key) {
    struct busy_key *k = bn_map_get(&p->keys, bn_map_key_u64(&key));
    BN_ASSERT(k != NULL);
    if (k->first) {
        struct bn_job *next = k->first;
        k->first = next->next_in_key;
        if (!k->first) k->last = NULL;
        push_ready(p, next);
        return;
    }
    bn_map_remove(&p->keys, bn_map_key_u64(&key));
    bn_alloc_free(k);
}

static void run_done(struct bn_msg *m) {
    struct bn_job *job = BN_CONTAINER_OF(m, struct bn_job, msg);
    job->done(job);
}

static void *pool_main(void *arg) {
    struct bn_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        /* Keyed jobs that still wait become ready by the thread that runs the one before them. */
        while (!p->first && !p->closing) pthread_cond_wait(&p->ready_cond, &p->lock);
        if (!p->first) break;
        struct bn_job *job = pop_ready(p);
        pthread_mutex_unlock(&p->lock);
        uint64_t key = job->key;
        struct bn_mailbox *reply_to = job->reply_to;
        job->run(job);
        if (reply_to) {
            job->msg.run = run_done;
            bn_mailbox_post(reply_to, &job->msg);
        }
        pthread_mutex_lock(&p->lock);
        if (key) pass_key_on(p, key);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct bn_pool *bn_pool_new(int threads) {
    BN_ASSERT(threads > 0);
    struct bn_pool *p = bn_alloc_zero(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->ready_cond, NULL);
    bn_map_init(&p->keys);
    p->thread_count = threads;
    p->threads = bn_alloc_zero((size_t)threads, sizeof *p->threads);
    for (int i = 0; i < threads; i++) {
        char name[16];
        snprintf(name, sizeof name, "bn-pool-%d", i % 10000);
        p->threads[i] = bn_thread_start(name, pool_main, p);
    }
    return p;
}

void bn_pool_submit(struct bn_pool *p, struct bn_job *job) {
    BN_ASSERT(job->run != NULL);
    BN_ASSERT(!job->reply_to || job->done);
    pthread_mutex_lock(&p->lock);
    struct busy_key *k = job->key ? bn_map_get(&p->keys, bn_map_key_u64(&job->key)) : NULL;
    if (k) {
        job->next_in_key = NULL;
        if (k->last) k->last->next_in_key = job;
        else k->first = job;
        k->last = job;
    } else {
        if (job->key) {
            k = bn_alloc_zero(1, sizeof *k);
            k->key = job->key;
            bn_map_put(&p->keys, bn_map_key_u64(&k->key), k);
        }
        push_ready(p, job);
    }
    pthread_mutex_unlock(&p->lock);
}

void bn_pool_free(struct bn_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->ready_cond);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->thread_count; i++) pthread_join(p->threads[i], NULL);
    BN_ASSERT(p->keys.count == 0);
    bn_map_fini(&p->keys);
    pthread_cond_destroy(&p->ready_cond);
    pthread_mutex_destroy(&p->lock);
    bn_alloc_free(p->threads);
    bn_alloc_free(p);
}
