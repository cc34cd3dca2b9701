/* Keeping what was found notable. See notables.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "notables.h"

#include "core/rare.h"
#include "memory.h"

static GHashTable *notables; /* of struct tcps_conn: struct tcps_notables; NULL as long as nothing was found */

void tcpstate_notables_forget(void)
{
    g_clear_pointer(&notables, g_hash_table_destroy);
}

static struct tcps_notables *known_of(const struct tcps_conn *conn)
{
    return notables ? g_hash_table_lookup(notables, conn) : NULL;
}

/* `known` is what is known of the connection, or NULL. */
static TCPS_RARE void look_closely(const struct tcpstate_layer *layer, struct tcps_notables *known)
{
    struct tcps_notables fresh = {0};

    if (known) {
        tcps_notables_look(known, layer->conn, &layer->segment);
    } else if (tcps_notables_look(&fresh, layer->conn, &layer->segment)) {
        known = tcpstate_allocate(sizeof *known);
        *known = fresh;
        if (!notables) notables = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(notables, layer->conn, known);
    }
}

void tcpstate_notables_look(const struct tcpstate_layer *layer)
{
    struct tcps_notables *known = known_of(layer->conn);

    if (known || tcps_may_be_notable(layer->conn, &layer->segment)) look_closely(layer, known);
}

const struct tcps_notables *tcpstate_notables_at(const struct tcps_conn *conn, struct tcps_position at)
{
    const struct tcps_notables *known = known_of(conn);

    for (unsigned what = 0; known && what < TCPS_NOTABLE_COUNT; what++)
        if (tcps_is_notable(known, what, at)) return known;
    return NULL;
}
