/* The exchanges of a connection: names, and the walks through its log that find them. See exchange.h.
 * Look next: opening.c, closing.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exchange_walk.h"

static const char *const open_kind_names[] = {
#define X(name) #name,
    TCPS_OPEN_KINDS(X)
#undef X
};
static const char *const open_status_names[] = {
#define X(name) #name,
    TCPS_OPEN_STATUSES(X)
#undef X
};
static const char *const close_kind_names[] = {
#define X(name) #name,
    TCPS_CLOSE_KINDS(X)
#undef X
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The first name of each list is "none", which is shown as nothing. */
static const char *name_in(const char *const *names, size_t count, unsigned number)
{
    return number > 0 && number < count ? names[number] : "";
}

const char *tcps_open_kind_name(unsigned kind)
{
    return name_in(open_kind_names, COUNT(open_kind_names), kind);
}

const char *tcps_open_status_name(unsigned status)
{
    return name_in(open_status_names, COUNT(open_status_names), status);
}

const char *tcps_close_kind_name(unsigned kind)
{
    return name_in(close_kind_names, COUNT(close_kind_names), kind);
}

void tcps_opening_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_opening *opening)
{
    struct walk walk = walk_of(conn, entries);
    struct opening_walk opening_walk;
    struct hop hop;

    tcps_opening_begin(&opening_walk, conn, opening);
    while (next_hop(&walk, &hop)) tcps_opening_hop(&opening_walk, &hop);
}

void tcps_closing_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_closing *closing)
{
    struct walk walk = walk_of(conn, entries);
    struct closing_walk closing_walk;
    struct hop hop;

    tcps_closing_begin(&closing_walk);
    while (next_hop(&walk, &hop)) tcps_closing_hop(&closing_walk, &hop);
    tcps_closing_end(&closing_walk, closing);
}

void tcps_exchanges_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_opening *opening,
                       struct tcps_closing *closing)
{
    struct walk walk = walk_of(conn, entries);
    struct opening_walk opening_walk;
    struct closing_walk closing_walk;
    struct hop hop;

    tcps_opening_begin(&opening_walk, conn, opening);
    tcps_closing_begin(&closing_walk);
    while (next_hop(&walk, &hop)) {
        tcps_opening_hop(&opening_walk, &hop);
        tcps_closing_hop(&closing_walk, &hop);
    }
    tcps_closing_end(&closing_walk, closing);
}

int tcps_reset_sender(const struct tcps_conn *conn, uint32_t entry)
{
    struct walk walk = {.conn = conn, .entries = entry + 1, .next = entry};
    struct hop hop;

    while (entry < conn->log.count && next_hop(&walk, &hop))
        if (rst_sender(&hop) >= 0) return rst_sender(&hop);
    return -1;
}
