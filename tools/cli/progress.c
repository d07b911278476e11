/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "progress.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

/* The rate is the mean of about the last seconds; before that, of all. */
#define RATE_MS 5000

#define BAR_MIN 10
#define BAR_MAX 50

/* Where the terminal doesn't tell. */
#define COLUMNS 80

/* More than this is as good as unknown. */
#define LEFT_MAX_S (100 * 3600)

void
cli_progress_begin(struct cli_progress *progress, size_t total, int64_t now_ms)
{
    memset(progress, 0, sizeof(*progress));
    progress->total = total;
    progress->begun_ms = now_ms;
    progress->noted_ms = now_ms;
}

void
cli_progress_note(struct cli_progress *progress, size_t done, size_t failed,
                  int64_t now_ms)
{
    int64_t passed_ms = now_ms - progress->noted_ms;
    int64_t mean_ms = now_ms - progress->begun_ms;

    if (passed_ms > 0) {
        double seconds = (double)passed_ms / 1000;
        double rate = (double)(done - progress->done) / seconds;
        double weight = 1;

        mean_ms = mean_ms < RATE_MS ? mean_ms : RATE_MS;
        if (passed_ms < mean_ms) {
            weight = (double)passed_ms / (double)mean_ms;
        }
        progress->rate += (rate - progress->rate) * weight;
        progress->noted_ms = now_ms;
        progress->done = done;
    }
    progress->failed = failed;
}

/* Appends a piece where all of it has room, else neither it nor one after
 * it: *limit is what to may hold. */
__attribute__((format(printf, 3, 4))) static void
append(char *to, size_t *limit, const char *format, ...)
{
    size_t used = strlen(to);
    char piece[64];
    size_t len;
    va_list list;

    va_start(list, format);
    vsnprintf(piece, sizeof(piece), format, list);
    va_end(list);
    len = strlen(piece);
    if (used + len <= *limit) {
        memcpy(to + used, piece, len + 1);
    } else {
        *limit = used;
    }
}

/* "0:07", "1:02:03", "-:--" where nothing can be said. */
static void
append_left(const struct cli_progress *progress, char *to, size_t *limit)
{
    double left = (double)(progress->total - progress->done);
    unsigned seconds;

    if (progress->rate <= 0 || left / progress->rate >= LEFT_MAX_S) {
        append(to, limit, "  ETA -:--");
        return;
    }
    seconds = (unsigned)(left / progress->rate + 0.5);
    if (seconds < 3600) {
        append(to, limit, "  ETA %u:%02u", seconds / 60, seconds % 60);
    } else {
        append(to, limit, "  ETA %u:%02u:%02u", seconds / 3600,
               seconds / 60 % 60, seconds % 60);
    }
}

/* "[=====>    ] ", `width` columns in all. */
static void
put_bar(const struct cli_progress *progress, char *to, size_t width)
{
    size_t cells = width - 3;
    size_t full =
        progress->total > 0 ? cells * progress->done / progress->total : cells;

    to[0] = '[';
    memset(to + 1, '=', full);
    memset(to + 1 + full, ' ', cells - full);
    if (full > 0 && full < cells) {
        to[full] = '>';
    }
    memcpy(to + 1 + cells, "] ", 3);
}

void
cli_progress_format(const struct cli_progress *progress,
                    char to[CLI_PROGRESS_SIZE], unsigned columns)
{
    size_t width = columns < CLI_PROGRESS_SIZE ? columns : CLI_PROGRESS_SIZE;
    size_t limit;
    char texts[CLI_PROGRESS_SIZE] = "";
    size_t total = progress->total;
    size_t room;

    to[0] = '\0';
    if (width <= 1) {
        return;
    }
    limit = --width;
    /* The number of digits doesn't change, nor does the line's layout. */
    append(texts, &limit, "%*zu/%zu", snprintf(NULL, 0, "%zu", total),
           progress->done, total);
    append(texts, &limit, "  %3zu%%",
           total > 0 ? progress->done * 100 / total : 100);
    append(texts, &limit, "  %zu failed", progress->failed);
    append_left(progress, texts, &limit);
    append(texts, &limit, "  %.*f/s", progress->rate < 10 ? 1 : 0,
           progress->rate);
    room = width - strlen(texts);
    if (room >= BAR_MIN) {
        put_bar(progress, to, room < BAR_MAX ? room : BAR_MAX);
    }
    memcpy(to + strlen(to), texts, strlen(texts) + 1);
}

static unsigned
columns_of(FILE *out)
{
    struct winsize size;

    if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return COLUMNS;
    }
    return size.ws_col;
}

void
cli_progress_draw(struct cli_progress *progress, FILE *out)
{
    unsigned columns = columns_of(out);
    char line[CLI_PROGRESS_SIZE];

    cli_progress_format(progress, line, columns);
    /* A terminal that has become narrower has wrapped the former line; what
     * that left above can't be reached by such simple means. */
    if (progress->drawn >= columns) {
        progress->drawn = 0;
    }
    /* The cursor goes back at once: so what the terminal echoes, such as ^C,
     * is drawn over and never makes the line longer. */
    fprintf(out, "%-*s\r", (int)progress->drawn, line);
    fflush(out);
    progress->drawn = strlen(line);
}

void
cli_progress_clear(struct cli_progress *progress, FILE *out)
{
    if (progress->drawn > 0) {
        fprintf(out, "%*s\r", (int)progress->drawn, "");
        fflush(out);
        progress->drawn = 0;
    }
}
