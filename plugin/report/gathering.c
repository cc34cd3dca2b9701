/* Gathering connections. See gathering.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "gathering.h"

static guint hash_address(gconstpointer key)
{
    return add_address_to_hash(0, key);
}

static gboolean same_address(gconstpointer one, gconstpointer other)
{
    return addresses_equal(one, other);
}

static void drop_address(gpointer key)
{
    free_address(key);
    g_free(key);
}

void tcpstate_gathering_init(struct tcpstate_gathering *gathering)
{
    *gathering = (struct tcpstate_gathering){
        .connections = g_ptr_array_new_with_free_func(g_free),
        .by_conn = g_hash_table_new(NULL, NULL),
        .addresses = g_hash_table_new_full(hash_address, same_address, drop_address, NULL),
    };
}

void tcpstate_gathering_clear(struct tcpstate_gathering *gathering)
{
    g_ptr_array_unref(gathering->connections);
    g_hash_table_unref(gathering->by_conn);
    g_hash_table_unref(gathering->addresses);
}

void tcpstate_gather_time(struct tcpstate_gathering *gathering, const packet_info *pinfo)
{
    int64_t time = pinfo->abs_ts.secs * TCPS_SECOND + pinfo->abs_ts.nsecs;

    if (!(pinfo->presence_flags & PINFO_HAS_TS)) return;
    if (!gathering->started) gathering->start = gathering->end = time;
    gathering->started = true;
    /* Merged captures and some capture cards let time run backwards for a moment. */
    if (time > gathering->end) gathering->end = time;
    if (time < gathering->start) gathering->start = time;
}

/* A capture has far fewer addresses than connections. */
static const address *shared_address(struct tcpstate_gathering *gathering, const address *wanted)
{
    address *kept = g_hash_table_lookup(gathering->addresses, wanted);

    if (!kept) {
        kept = g_new0(address, 1);
        copy_address(kept, wanted);
        g_hash_table_add(gathering->addresses, kept);
    }
    return kept;
}

static struct tcpstate_connection *connection_of(struct tcpstate_gathering *gathering, const struct tcpstate_tap *tap)
{
    struct tcpstate_connection *connection;

    if (gathering->last && gathering->last->conn == tap->conn) return gathering->last;
    connection = g_hash_table_lookup(gathering->by_conn, tap->conn);
    if (!connection) {
        connection = g_new0(struct tcpstate_connection, 1);
        connection->conn = tap->conn;
        for (unsigned end = 0; end < 2; end++) {
            connection->address[end] = shared_address(gathering, &tap->address[end]);
            connection->port[end] = tap->conn->ports[end];
        }
        connection->first_time = connection->last_time = tap->segment.time;
        connection->first_frame = tap->segment.at.frame;
        g_ptr_array_add(gathering->connections, connection);
        g_hash_table_insert(gathering->by_conn, (gpointer)tap->conn, connection);
    }
    gathering->last = connection;
    return connection;
}

void tcpstate_gather(struct tcpstate_gathering *gathering, const struct tcpstate_tap *tap)
{
    struct tcpstate_connection *connection;

    if (!tap->conn || tap->conn->log.count == 0) return;
    connection = connection_of(gathering, tap);
    connection->last_time = tap->segment.time;
    connection->last_frame = tap->segment.at.frame;
    if (!tap->quoted) connection->packets[tap->segment.from & 1]++;
}

int64_t tcpstate_replaced_at(const struct tcpstate_connection *connection)
{
    const struct tcps_conn *newer = tcps_newer(connection->conn);

    return newer && newer->log.count ? newer->log.entries[0].time : INT64_MAX;
}

unsigned tcpstate_state_at(const struct tcpstate_connection *connection, unsigned state, int64_t since, int64_t time)
{
    if (time >= tcpstate_replaced_at(connection)) return TCPS_CLOSED;
    if (state == TCPS_TIME_WAIT && time - since >= tcpstate_preferences()->two_msl * TCPS_SECOND) return TCPS_CLOSED;
    return state;
}

const struct tcps_entry *tcpstate_entered(const struct tcps_conn *conn, uint32_t last, unsigned end)
{
    const struct tcps_entry *entries = conn->log.entries;
    unsigned state = tcps_entry_state(&entries[last], end);

    while (last > 0 && tcps_entry_state(&entries[last - 1], end) == state) last--;
    return &entries[last];
}
