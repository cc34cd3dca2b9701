/* Connection attempts that did not complete, by class, and the servers that suffered them.
 * Look next: half_open.h, for what tells a SYN flood from a scan.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "half_open.h"

/* X(name, what it means) */
#define FAILURES(X)                                                                                                    \
    X(unanswered, "SYN sent more than once, no answer")                                                                \
    X(unanswered_once, "one SYN, no answer")                                                                           \
    X(refused, "RST to the SYN")                                                                                       \
    X(unreachable, "an ICMP error came back")                                                                          \
    X(synack_loop, "SYN,ACK sent again and again: its ACK is lost or not taken (full backlog)")                        \
    X(half_open, "SYN,ACK sent, no ACK")                                                                               \
    X(reset_by_client, "RST to the SYN,ACK: a scan, or a client that gave up")                                         \
    X(reset_by_server, "SYN,ACK, then RST from the server")                                                            \
    X(rejected, "ACK or SYN,ACK of another connection instead of SYN,ACK")

enum failure {
#define X(name, meaning) FAILURE_##name,
    FAILURES(X)
#undef X
};

static const char *const failure_names[] = {
#define X(name, meaning) #name,
    FAILURES(X)
#undef X
};

static const char *const failure_meanings[] = {
#define X(name, meaning) meaning,
    FAILURES(X)
#undef X
};

struct attempt {
    const struct tcpstate_connection *connection;
    struct tcps_opening opening;
    enum failure failure;
    int64_t capture_start;
};

enum {
    A_CLASS,
    A_STREAM,
    A_INCARNATION,
    A_CLIENT,
    A_SERVER,
    A_FRAME,
    A_TIME,
    A_SYNS,
    A_SYNACKS,
    A_WAITED,
    A_MEANING,
    A_COLUMNS
};

static const struct tcpstate_column attempt_columns[A_COLUMNS] = {
    {"class", "class", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"frame", "frame", TCPSTATE_COLUMN_NUMBER, true, false, "First frame"},
    {"time", "at", TCPSTATE_COLUMN_DURATION, false, false, "Time"},
    {"syns", "SYNs", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"synacks", "SYN,ACKs", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"waited", "lasted", TCPSTATE_COLUMN_DURATION, false, false, "Lasted"},
    {"meaning", NULL, TCPSTATE_COLUMN_TEXT, false, false, "Meaning"},
};

static void fill_attempt(const void *item, struct tcpstate_cell *cells)
{
    const struct attempt *attempt = item;
    const struct tcps_opening *opening = &attempt->opening;
    const struct tcpstate_connection *connection = attempt->connection;

    tcpstate_cell_text(&cells[A_CLASS], failure_names[attempt->failure]);
    tcpstate_cells_stream(&cells[A_STREAM], connection);
    tcpstate_cells_ends(&cells[A_CLIENT], connection);
    tcpstate_cell_frame(&cells[A_FRAME], connection->first_frame);
    tcpstate_cell_duration(&cells[A_TIME], connection->first_time - attempt->capture_start);
    tcpstate_cell_number(&cells[A_SYNS], tcps_was_seen(&opening->syn) + opening->syn_retransmits);
    tcpstate_cell_number(&cells[A_SYNACKS], tcps_was_seen(&opening->synack) + opening->synack_retransmits);
    tcpstate_cell_duration(&cells[A_WAITED], connection->last_time - connection->first_time);
    tcpstate_cell_text(&cells[A_MEANING], failure_meanings[attempt->failure]);
}

/* Which end sent the RST that ended a half-open connection. */
static bool client_reset(const struct tcpstate_connection *connection)
{
    for (uint32_t i = connection->conn->log.count; i-- > 0;) {
        int sender = tcps_reset_sender(connection->conn, i);

        if (sender >= 0) return (unsigned)sender == tcpstate_client_end(connection);
    }
    return false;
}

/* Returns false for an opening that did complete, or was not seen. */
static bool classify(const struct tcpstate_connection *connection, const struct tcps_opening *opening,
                     enum failure *failure)
{
    switch (opening->status) {
    case TCPS_STATUS_unanswered:
        *failure = opening->syn_retransmits ? FAILURE_unanswered : FAILURE_unanswered_once;
        return true;
    case TCPS_STATUS_half_open:
        *failure = opening->synack_retransmits ? FAILURE_synack_loop : FAILURE_half_open;
        return true;
    case TCPS_STATUS_refused: *failure = FAILURE_refused; return true;
    case TCPS_STATUS_unreachable: *failure = FAILURE_unreachable; return true;
    case TCPS_STATUS_reset:
        *failure = client_reset(connection)      ? FAILURE_reset_by_client
                   : opening->synack_retransmits ? FAILURE_synack_loop
                                                 : FAILURE_reset_by_server;
        return true;
    case TCPS_STATUS_rejected: *failure = FAILURE_rejected; return true;
    default: return false;
    }
}

static unsigned class_of(const void *item)
{
    return ((const struct attempt *)item)->failure;
}

static gint by_class(gconstpointer one, gconstpointer other)
{
    const struct attempt *a = one, *b = other;

    if (a->failure != b->failure) return a->failure < b->failure ? -1 : 1;
    return (a->connection->first_frame > b->connection->first_frame) -
           (a->connection->first_frame < b->connection->first_frame);
}

/* ---- the servers ---- */

enum { T_SERVER, T_FAILED, T_ATTEMPTS, T_SOURCES, T_PEAK, T_PEAK_TIME, T_SYNACK_AGAIN, T_COLUMNS };

static const struct tcpstate_column target_columns[T_COLUMNS] = {
    {"server", "server", TCPSTATE_COLUMN_ENDPOINT, false, false, NULL},
    {"failed", "failed", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"attempts", "of", TCPSTATE_COLUMN_NUMBER, false, false, "Attempts"},
    {"sources", "sources", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"half_open_peak", "half-open", TCPSTATE_COLUMN_NUMBER, false, true, "Half-open at once"},
    {"half_open_peak_time", "at", TCPSTATE_COLUMN_DURATION, false, false, "Most half-open at"},
    {"synack_retransmits", "SYN,ACKs again", TCPSTATE_COLUMN_NUMBER, false, true, NULL},
};

static void fill_target(const void *item, struct tcpstate_cell *cells)
{
    const struct tcpstate_server *server = *(struct tcpstate_server *const *)item;

    tcpstate_cell_endpoint(&cells[T_SERVER], server->address, server->port);
    tcpstate_cell_number(&cells[T_FAILED], tcpstate_failures_of(server));
    tcpstate_cell_number(&cells[T_ATTEMPTS], server->attempts);
    tcpstate_cell_number(&cells[T_SOURCES], server->sources);
    tcpstate_cell_number(&cells[T_PEAK], server->half_open_peak);
    if (server->half_open_peak) tcpstate_cell_duration(&cells[T_PEAK_TIME], server->peak_time);
    tcpstate_cell_number(&cells[T_SYNACK_AGAIN], server->synack_retransmits);
}

static gint worst_first(gconstpointer one, gconstpointer other)
{
    uint64_t a = tcpstate_failures_of(*(struct tcpstate_server *const *)one);
    uint64_t b = tcpstate_failures_of(*(struct tcpstate_server *const *)other);

    return (a < b) - (a > b);
}

static GArray *targets_of(const GPtrArray *servers)
{
    GArray *targets = g_array_new(FALSE, FALSE, sizeof(struct tcpstate_server *));

    for (guint i = 0; i < servers->len; i++) {
        struct tcpstate_server *server = g_ptr_array_index(servers, i);

        if (tcpstate_failures_of(server)) g_array_append_val(targets, server);
    }
    g_array_sort(targets, worst_first);
    return targets;
}

enum { SHOWN_PER_CLASS = 20, SHOWN_SERVERS = 40 };

void tcpstate_report_failed(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *attempts = g_array_new(FALSE, FALSE, sizeof(struct attempt));
    uint64_t counts[G_N_ELEMENTS(failure_names)] = {0};

    for (guint i = 0; i < connections->len; i++) {
        struct attempt attempt = {.connection = g_ptr_array_index(connections, i),
                                  .capture_start = input->gathering->start};
        const struct tcps_conn *conn = attempt.connection->conn;

        tcps_opening_of(conn, conn->log.count, &attempt.opening);
        if (!classify(attempt.connection, &attempt.opening, &attempt.failure)) continue;
        counts[attempt.failure]++;
        g_array_append_val(attempts, attempt);
    }
    g_array_sort(attempts, by_class);
    document->keeps = tcpstate_servers_of(input->gathering);
    tcpstate_document_add(document, (struct tcpstate_table){.key = "attempts",
                                                            .title = "Connection attempts that did not complete",
                                                            .nothing = "No attempt failed.",
                                                            .columns = attempt_columns,
                                                            .column_count = A_COLUMNS,
                                                            .items = attempts,
                                                            .fill = fill_attempt,
                                                            .text_limit = SHOWN_PER_CLASS,
                                                            .group = class_of});
    tcpstate_document_add(document,
                          (struct tcpstate_table){.key = "servers",
                                                  .title = "Their servers, and the most connections half-open at once",
                                                  .columns = target_columns,
                                                  .column_count = T_COLUMNS,
                                                  .items = targets_of(document->keeps),
                                                  .fill = fill_target,
                                                  .text_limit = SHOWN_SERVERS});
    for (unsigned i = 0; i < G_N_ELEMENTS(failure_names); i++)
        if (counts[i]) tcpstate_document_count(document, "failed", "Failed", failure_names[i], counts[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(failure_names); i++)
        if (counts[i]) tcpstate_document_note(document, "%s: %s.", failure_names[i], failure_meanings[i]);
    tcpstate_note_floods(document->keeps, document);
}
