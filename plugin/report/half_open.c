/* Counting per server. See half_open.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "half_open.h"

#include <inttypes.h>

/* One connection more or less. */
struct change {
    int64_t time;
    int32_t by;
};

static guint hash_address(gconstpointer key)
{
    return add_address_to_hash(0, key);
}

static gboolean same_address(gconstpointer one, gconstpointer other)
{
    return addresses_equal(one, other);
}

static guint hash_server(gconstpointer key)
{
    const struct tcpstate_server *server = key;

    return add_address_to_hash(server->port, server->address);
}

static gboolean same_server(gconstpointer one, gconstpointer other)
{
    const struct tcpstate_server *a = one, *b = other;

    return a->port == b->port && addresses_equal(a->address, b->address);
}

static void free_server(gpointer data)
{
    struct tcpstate_server *server = data;

    g_array_unref(server->half_open);
    g_array_unref(server->pending);
    g_array_unref(server->times);
    g_hash_table_unref(server->clients);
    g_free(server);
}

static struct tcpstate_server *server_of(GHashTable *table, GPtrArray *servers,
                                         const struct tcpstate_connection *connection)
{
    unsigned end = !tcpstate_client_end(connection);
    struct tcpstate_server wanted = {.address = &connection->address[end], .port = connection->port[end]};
    struct tcpstate_server *server = g_hash_table_lookup(table, &wanted);

    if (server) return server;
    server = g_new0(struct tcpstate_server, 1);
    server->address = wanted.address;
    server->port = wanted.port;
    server->half_open = g_array_new(FALSE, FALSE, sizeof(struct change));
    server->pending = g_array_new(FALSE, FALSE, sizeof(struct change));
    server->times = g_array_new(FALSE, FALSE, sizeof(int64_t));
    server->clients = g_hash_table_new(hash_address, same_address);
    g_hash_table_add(table, server);
    g_ptr_array_add(servers, server);
    return server;
}

static bool is_half_open(const struct tcps_entry *entry, unsigned server)
{
    return tcps_entry_state(entry, server) == TCPS_SYN_RECEIVED;
}

static bool is_pending(const struct tcps_entry *entry, unsigned server)
{
    return is_half_open(entry, server) || tcps_entry_state(entry, !server) == TCPS_SYN_SENT ||
           tcps_entry_state(entry, !server) == TCPS_SYN_RECEIVED;
}

static void change(GArray *changes, int64_t time, int32_t by)
{
    struct change change = {time, by};

    g_array_append_val(changes, change);
}

/* When the connection begins and ends to be what `is` asks. A host gives up an opening without a word: at the latest
 * 2MSL after its last packet it is taken to have (rule 9), or a trickle of lost clients would look like a flood. */
static void add_changes(GArray *changes, const struct tcpstate_connection *connection,
                        bool (*is)(const struct tcps_entry *entry, unsigned server))
{
    const struct tcps_log *log = &connection->conn->log;
    bool was = false;

    for (uint32_t i = 0; i < log->count; i++) {
        bool now = is(&log->entries[i], !tcpstate_client_end(connection));

        if (now != was) change(changes, log->entries[i].time, now ? 1 : -1);
        was = now;
    }
    if (was)
        change(changes,
               MIN(connection->last_time + tcpstate_preferences()->two_msl * TCPS_SECOND,
                   tcpstate_replaced_at(connection)),
               -1);
}

static void add_closing(struct tcpstate_server *server, const struct tcpstate_connection *connection)
{
    unsigned client = tcpstate_client_end(connection);
    struct tcps_closing closing;

    tcps_closing_of(connection->conn, connection->conn->log.count, &closing);
    if (closing.kind == TCPS_CLOSE_none) return;
    server->reset += closing.kind == TCPS_CLOSE_reset || closing.kind == TCPS_CLOSE_fin_then_reset;
    if (closing.initiator == 2)
        server->closed_by_both++;
    else if (closing.initiator >= 0 && (unsigned)closing.initiator == client)
        server->closed_by_client++;
    else if (closing.initiator >= 0)
        server->closed_by_server++;
}

static bool is_failure(unsigned status)
{
    return status != TCPS_STATUS_none && status != TCPS_STATUS_complete && status != TCPS_STATUS_unseen;
}

static void add_opening(struct tcpstate_server *server, const struct tcpstate_connection *connection)
{
    struct tcps_opening opening;
    int64_t time;

    tcps_opening_of(connection->conn, connection->conn->log.count, &opening);
    server->by_status[opening.status]++;
    server->attempts += opening.status != TCPS_STATUS_none && opening.status != TCPS_STATUS_unseen;
    server->synack_retransmits += opening.synack_retransmits;
    if (is_failure(opening.status))
        g_hash_table_add(server->clients, (gpointer)&connection->address[tcpstate_client_end(connection)]);
    if (opening.status != TCPS_STATUS_complete || !tcps_was_seen(&opening.syn) || !tcps_was_seen(&opening.ack)) return;
    time = opening.ack.time - opening.syn.time;
    g_array_append_val(server->times, time);
}

/* What ends at a moment makes room before something new begins. */
static gint in_time(gconstpointer one, gconstpointer other)
{
    const struct change *a = one, *b = other;

    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    return a->by - b->by;
}

static void find_peak(GArray *changes, int64_t start, uint64_t *peak, int64_t *peak_time)
{
    int64_t now = 0;

    g_array_sort(changes, in_time);
    for (guint i = 0; i < changes->len; i++) {
        const struct change *change = &g_array_index(changes, struct change, i);

        now += change->by;
        if (now <= (int64_t)*peak) continue;
        *peak = (uint64_t)now;
        *peak_time = change->time - start;
    }
}

static void sum_up(struct tcpstate_server *server, int64_t start)
{
    find_peak(server->half_open, start, &server->half_open_peak, &server->peak_time);
    find_peak(server->pending, start, &server->pending_peak, &server->pending_time);
    tcpstate_sort_times(server->times);
    server->p50 = tcpstate_percentile(server->times, 50);
    server->p95 = tcpstate_percentile(server->times, 95);
    server->sources = g_hash_table_size(server->clients);
}

GPtrArray *tcpstate_servers_of(const struct tcpstate_gathering *gathering)
{
    GHashTable *table = g_hash_table_new(hash_server, same_server);
    GPtrArray *servers = g_ptr_array_new_with_free_func(free_server);

    for (guint i = 0; i < gathering->connections->len; i++) {
        const struct tcpstate_connection *connection = g_ptr_array_index(gathering->connections, i);
        struct tcpstate_server *server = server_of(table, servers, connection);

        add_opening(server, connection);
        add_changes(server->half_open, connection, is_half_open);
        add_changes(server->pending, connection, is_pending);
        add_closing(server, connection);
    }
    for (guint i = 0; i < servers->len; i++) sum_up(g_ptr_array_index(servers, i), gathering->start);
    g_hash_table_unref(table);
    return servers;
}

uint64_t tcpstate_failures_of(const struct tcpstate_server *server)
{
    uint64_t failures = 0;

    for (unsigned status = 0; status < TCPS_STATUS_COUNT; status++)
        if (is_failure(status)) failures += server->by_status[status];
    return failures;
}

static bool is_flooded(const struct tcpstate_server *server)
{
    uint64_t limit = tcpstate_preferences()->half_open_limit;

    return server->half_open_peak > limit || (server->pending_peak > limit && server->sources > limit);
}

void tcpstate_note_floods(const GPtrArray *servers, struct tcpstate_document *document)
{
    for (guint i = 0; i < servers->len; i++) {
        const struct tcpstate_server *server = g_ptr_array_index(servers, i);
        char name[80], at[TCPSTATE_NUMBER_SIZE];

        if (!is_flooded(server)) continue;
        tcpstate_endpoint_text(server->address, server->port, name, sizeof name);
        tcpstate_duration_text(server->pending_time, at);
        tcpstate_document_note(
            document,
            "This looks like a SYN flood: %s had %" PRIu64 " openings not completed at once (%s after the capture's "
            "start), of which at most %" PRIu64 " half-open; %" PRIu64 " attempts from %" PRIu64 " addresses failed, "
            "%" PRIu64 " SYN,ACKs were sent again.",
            name, server->pending_peak, at, server->half_open_peak, tcpstate_failures_of(server), server->sources,
            server->synack_retransmits);
    }
}
