#include "state.h"
#include "config.h"
#include <stdlib.h>
struct mpsc_state {
    struct mpsc_shared s;
};
struct mpsc_state *
mpsc_state_new(const char *e, const char *s, const char *b, mpsc_clock_fn *k)
{
    (void)e;
    (void)s;
    (void)b;
    (void)k;
    return calloc(1, sizeof(struct mpsc_state));
}
void
mpsc_state_free(struct mpsc_state **s)
{
    free(*s);
    *s = NULL;
}
void
mpsc_state_look(struct mpsc_state *s, const char *r, const char *t,
                struct mpsc_shared *o)
{
    (void)r;
    (void)t;
    *o = s->s;
}
void
mpsc_state_change(struct mpsc_state *s, const char *r, const char *t,
                  mpsc_state_change_fn *c, void *a, struct mpsc_shared *o)
{
    (void)r;
    (void)t;
    c(&s->s, a);
    if (o)
        *o = s->s;
}
