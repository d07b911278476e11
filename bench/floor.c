/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct entry {
    const char *id;
    struct floor_token token;
    UT_hash_handle hh;
};

static struct entry *entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
floor_fill(const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = calloc(1, sizeof(*entry));

        if (entry == NULL) {
            perror("floor");
            exit(2);
        }
        entry->id = ids[i];
        entry->token = (struct floor_token){ids[i], 1};
        HASH_ADD_KEYPTR(hh, entries, entry->id, strlen(entry->id), entry);
    }
}

struct floor_token *
floor_get(const char *id)
{
    struct floor_token *token = NULL;
    struct entry *entry;

    pthread_mutex_lock(&lock);
    HASH_FIND_STR(entries, id, entry);
    if (entry != NULL) {
        token = &entry->token;
        token->references++;
    }
    pthread_mutex_unlock(&lock);
    return token;
}

void
floor_release(struct floor_token *token)
{
    pthread_mutex_lock(&lock);
    token->references--;
    pthread_mutex_unlock(&lock);
}
