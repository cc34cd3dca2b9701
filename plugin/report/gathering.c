/* Gathering connections. See gathering.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "gathering.h"

#include <string.h>

void tcpstate_gathering_init(struct tcpstate_gathering *gathering)
{
    *gathering = (struct tcpstate_gathering){
        .connections = g_ptr_array_new_with_free_func(g_free),
        .by_conn = g_hash_table_new(NULL, NULL),
    };
}

void tcpstate_gathering_clear(struct tcpstate_gathering *gathering)
{
    g_ptr_array_unref(gathering->connections);
    g_hash_table_unref(gathering->by_conn);
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

static void keep_address(address *kept, const address *passing, uint8_t *room)
{
    if (passing->len) memcpy(room, passing->data, (size_t)passing->len);
    set_address(kept, passing->type, passing->len, passing->len ? room : NULL);
}

/* The octets of its addresses stand behind the connection, in one block with it. */
static struct tcpstate_connection *new_connection(const struct tcpstate_tap *tap)
{
    size_t octets = (size_t)tap->address[0].len + (size_t)tap->address[1].len;
    struct tcpstate_connection *connection = g_malloc(sizeof *connection + octets);
    uint8_t *room = (uint8_t *)(connection + 1);

    *connection = (struct tcpstate_connection){
        .conn = tap->conn,
        .port = {tap->conn->ports[0], tap->conn->ports[1]},
        .first_time = tap->segment.time,
        .first_frame = tap->segment.at.frame,
    };
    keep_address(&connection->address[0], &tap->address[0], room);
    keep_address(&connection->address[1], &tap->address[1], room + tap->address[0].len);
    return connection;
}

static struct tcpstate_connection *connection_of(struct tcpstate_gathering *gathering, const struct tcpstate_tap *tap)
{
    struct tcpstate_connection *connection;

    if (gathering->last && gathering->last->conn == tap->conn) return gathering->last;
    connection = g_hash_table_lookup(gathering->by_conn, tap->conn);
    if (!connection) {
        connection = new_connection(tap);
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
