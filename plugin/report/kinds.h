/* The list of reports, and what each of them gets to read and has to write.
 * A report computes a document in one function, in a file of its own name; it looks at connections, never at packets
 * (the ladder excepted). Look next: exchanges.c, the simplest of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_KINDS_H
#define TCPSTATE_KINDS_H

#include "core/exchange.h"
#include "document.h"
#include "gathering.h"
#include "steps.h"

/* What may stand between the report's name and the filter. */
enum tcpstate_argument {
    TCPSTATE_ARGUMENT_NONE,
    TCPSTATE_ARGUMENT_SECONDS, /* optional */
    TCPSTATE_ARGUMENT_STREAM,  /* needed */
};

/* What a report reads of the connections. */
enum tcpstate_reads {
    TCPSTATE_READS_LOGS,    /* who they are, and their logs: nothing else that is gathered */
    TCPSTATE_READS_PACKETS, /* also counts and times of packets, or the capture's clock */
};

/* X(name, argument, title, what it shows, how a window asks for the argument, what it reads) */
#define TCPSTATE_REPORT_KINDS(X)                                                                                       \
    X(exchanges, NONE, "Exchanges", "Completed handshakes and closes", NULL, LOGS)                                     \
    X(failed, NONE, "Failed Attempts", "Connection attempts that did not complete", NULL, PACKETS)                     \
    X(census, SECONDS, "Census", "Endpoints per state, at the end or per interval",                                    \
      "Interval in seconds (empty: only at the end)", PACKETS)                                                         \
    X(stuck, SECONDS, "Stuck", "Endpoints that wait too long, and who must act next",                                  \
      "Waits of so many seconds (empty: as preferred)", PACKETS)                                                       \
    X(resets, NONE, "Resets", "Each RST: validity, cause, data lost", NULL, PACKETS)                                   \
    X(servers, NONE, "Servers", "Attempts, half-open peak, handshake times by server", NULL, PACKETS)                  \
    X(dwell, NONE, "Time in State", "Time spent in each state", NULL, PACKETS)                                         \
    X(connections, NONE, "Connections", "Connections, one line each", NULL, PACKETS)                                   \
    X(ladder, STREAM, "Ladder", "One connection as a ladder diagram", "TCP stream", PACKETS)

struct tcpstate_report_input {
    const struct tcpstate_gathering *gathering;
    double argument;                    /* seconds; below 0: none was given */
    const struct tcpstate_steps *steps; /* of the stream asked for; NULL but for the ladder */
};

typedef void tcpstate_compute(const struct tcpstate_report_input *input, struct tcpstate_document *document);

#define X(name, argument, title, what, question, reads) tcpstate_compute tcpstate_report_##name;
TCPSTATE_REPORT_KINDS(X)
#undef X

struct tcpstate_report_kind {
    const char *name, *title, *what, *question;
    enum tcpstate_argument argument;
    enum tcpstate_reads reads;
    tcpstate_compute *compute;
};

/* Is the report a picture of one stream, the ladder, where others are tables? */
static inline bool tcpstate_is_picture(const struct tcpstate_report_kind *kind)
{
    return kind->argument == TCPSTATE_ARGUMENT_STREAM;
}

extern const struct tcpstate_report_kind tcpstate_report_kinds[];
extern const unsigned tcpstate_report_count;

/* ---- columns and cells that several reports share ---- */

/* clang-format off */
#define TCPSTATE_STREAM_COLUMNS                                                                                        \
    {"stream", "stream", TCPSTATE_COLUMN_NUMBER, false, false, NULL},                                                  \
    {"incarnation", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Incarnation"}
#define TCPSTATE_END_COLUMNS                                                                                           \
    {"client", "client", TCPSTATE_COLUMN_ENDPOINT, false, false, NULL},                                                \
    {"server", "server", TCPSTATE_COLUMN_ENDPOINT, false, false, NULL}
/* clang-format on */

/* Fills the stream and incarnation columns at cells[0] and [1]. */
void tcpstate_cells_stream(struct tcpstate_cell *cells, const struct tcpstate_connection *connection);
/* Fills the client and server columns at cells[0] and [1]. */
void tcpstate_cells_ends(struct tcpstate_cell *cells, const struct tcpstate_connection *connection);

/* "client", "server"; "both" for 2, "" for -1: who, when `end` may be several or none. */
const char *tcpstate_who(const struct tcpstate_connection *connection, int end);

/* The time between two moments; leaves the cell empty when one of them was not seen. */
void tcpstate_cell_between(struct tcpstate_cell *cell, struct tcps_moment from, struct tcps_moment to);

/* The value below which `percent` of the sorted `values` lie (int64_t, nearest rank); 0 of none. */
int64_t tcpstate_percentile(const GArray *values, unsigned percent);
void tcpstate_sort_times(GArray *values);

#endif
