/* Zeek's summary of a connection - conn_state and history - from the hops of its log.
 * Zeek's words, so Zeek's judgement, also where this plugin's own differs. Look next: exchange_walk.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exchange_walk.h"

/* ---- conn_state ---- */

/* The states of Zeek's TCP_Endpoint.h: what an end was seen to send, not what it knows. */
enum zeek_state { ZEEK_INACTIVE, ZEEK_SYN_SENT, ZEEK_PARTIAL, ZEEK_ESTABLISHED, ZEEK_CLOSED, ZEEK_RESET };

struct zeek {
    enum zeek_state state[2], before_reset[2];
    bool bare_syn_and_rst[2]; /* sent nothing but a SYN and a RST */
};

static void zeek_rst(struct zeek *zeek, unsigned end)
{
    /* Zeek lets a RST after both FINs count for nothing. */
    if (zeek->state[end] == ZEEK_RESET) return;
    if (zeek->state[end] == ZEEK_CLOSED && zeek->state[!end] == ZEEK_CLOSED) return;
    zeek->bare_syn_and_rst[end] = zeek->state[end] == ZEEK_SYN_SENT;
    zeek->before_reset[end] = zeek->state[end];
    zeek->state[end] = ZEEK_RESET;
}

static void zeek_fin(struct zeek *zeek, unsigned end)
{
    zeek->state[end] = ZEEK_CLOSED;
    /* The peer sent a FIN followed by a RST: to Zeek that "was actually normal termination". */
    if (zeek->state[!end] == ZEEK_RESET && zeek->before_reset[!end] == ZEEK_CLOSED) zeek->state[!end] = ZEEK_CLOSED;
}

/* Has the end sent anything by the time of the hop? */
static bool was_heard(const struct tcps_conn *conn, const struct hop *hop)
{
    const struct tcps_endpoint *endpoint = &conn->end[hop->end];

    return tcps_entry_basis(hop->entry, hop->end) == TCPS_BASIS_observed ||
           (endpoint->first_ack && endpoint->first_ack <= hop->entry->frame) ||
           (endpoint->first_data && endpoint->first_data <= hop->entry->frame);
}

static void zeek_hop(struct zeek *zeek, const struct tcps_conn *conn, const struct hop *hop)
{
    unsigned end = hop->end;
    int reset_by = rst_sender(hop);

    switch (hop->why) {
    case TCPS_WHY_SYN_SENT:
    case TCPS_WHY_SYN_PROVEN:
        /* A SYN that crosses the peer's establishes both, as Zeek sees it. */
        zeek->state[end] = zeek->state[!end] == ZEEK_SYN_SENT ? ZEEK_ESTABLISHED : ZEEK_SYN_SENT;
        if (zeek->state[end] == ZEEK_ESTABLISHED) zeek->state[!end] = ZEEK_ESTABLISHED;
        return;
    case TCPS_WHY_SYN_ANSWERED:
        zeek->state[end] = ZEEK_ESTABLISHED;
        if (zeek->state[!end] == ZEEK_SYN_SENT) zeek->state[!end] = ZEEK_ESTABLISHED;
        return;
    case TCPS_WHY_FIN_SENT:
    case TCPS_WHY_FIN_BELIEVED: zeek_fin(zeek, end); return;
    default: break;
    }
    if (reset_by >= 0)
        zeek_rst(zeek, (unsigned)reset_by);
    else if (rst_taken_back(hop->why) && zeek->state[!end] == ZEEK_RESET)
        zeek->state[!end] = zeek->before_reset[!end];
    if (zeek->state[end] == ZEEK_INACTIVE && is_open_state(hop->to) && was_heard(conn, hop))
        zeek->state[end] = zeek->state[!end] == ZEEK_ESTABLISHED ? ZEEK_ESTABLISHED : ZEEK_PARTIAL;
}

/* The order of the tests is Zeek's own (scripts/base/protocols/conn/main.zeek, determine_state). */
static const char *zeek_verdict(const struct zeek *zeek, unsigned client, bool no_data)
{
    enum zeek_state orig = zeek->state[client], resp = zeek->state[!client];

    if (resp == ZEEK_RESET) {
        if (orig == ZEEK_SYN_SENT || (orig == ZEEK_RESET && no_data)) return "REJ";
        return orig == ZEEK_INACTIVE || orig == ZEEK_PARTIAL ? "RSTRH" : "RSTR";
    }
    if (orig == ZEEK_RESET) {
        if (resp == ZEEK_INACTIVE) return zeek->bare_syn_and_rst[client] ? "RSTOS0" : "OTH";
        return "RSTO";
    }
    if (orig == ZEEK_CLOSED && resp == ZEEK_CLOSED) return "SF";
    if (orig == ZEEK_CLOSED) return resp == ZEEK_INACTIVE ? "SH" : "S2";
    if (resp == ZEEK_CLOSED) return orig == ZEEK_INACTIVE ? "SHR" : "S3";
    if (orig == ZEEK_SYN_SENT && resp == ZEEK_INACTIVE) return "S0";
    return orig == ZEEK_ESTABLISHED && resp == ZEEK_ESTABLISHED ? "S1" : "OTH";
}

static bool had_data(const struct tcps_conn *conn, struct tcps_position at)
{
    for (unsigned end = 0; end < 2; end++)
        if (conn->end[end].first_data && conn->end[end].first_data <= at.frame) return true;
    return false;
}

const char *tcps_conn_state(const struct tcps_conn *conn, struct tcps_position at)
{
    struct walk walk = walk_of(conn, tcps_log_until(&conn->log, at));
    struct zeek zeek = {{ZEEK_INACTIVE, ZEEK_INACTIVE}, {ZEEK_INACTIVE, ZEEK_INACTIVE}, {false, false}};
    struct hop hop;

    while (next_hop(&walk, &hop)) zeek_hop(&zeek, conn, &hop);
    if (walk.entries == 0) return "OTH";
    return zeek_verdict(&zeek, conn->log.entries[walk.entries - 1].client_end, !had_data(conn, at));
}

/* ---- history ---- */

struct history {
    char *text;
    size_t size, length;
    unsigned client;
    uint32_t syn[2], synack[2], fin[2], rst[2]; /* frames in which a letter was given: once per frame is enough */
    bool data[2], ack[2];
};

static void put(struct history *history, unsigned end, char letter)
{
    if (history->length + 1 >= history->size) return;
    if (end == history->client) letter = (char)(letter - 'a' + 'A');
    history->text[history->length++] = letter;
}

static void put_in(struct history *history, uint32_t *last, unsigned end, char letter, uint32_t frame)
{
    if (*last == frame) return;
    *last = frame;
    put(history, end, letter);
}

/* First data and first ACK are not in the log but with the endpoints; their letters go where their frames belong. */
static void put_until(struct history *history, const struct tcps_conn *conn, uint32_t frame)
{
    for (;;) {
        uint32_t lowest = frame < UINT32_MAX ? frame + 1 : frame; /* the first frame that is too late */
        bool *pending = NULL;
        unsigned whose = 0;
        char letter = 0;

        for (unsigned end = 0; end < 2; end++) {
            const struct tcps_endpoint *endpoint = &conn->end[end];

            if (!history->ack[end] && endpoint->first_ack && endpoint->first_ack < lowest)
                lowest = endpoint->first_ack, pending = &history->ack[end], whose = end, letter = 'a';
            if (!history->data[end] && endpoint->first_data && endpoint->first_data < lowest)
                lowest = endpoint->first_data, pending = &history->data[end], whose = end, letter = 'd';
        }
        if (!pending) return;
        *pending = true;
        put(history, whose, letter);
    }
}

static void history_hop(struct history *history, const struct tcps_conn *conn, const struct hop *hop)
{
    uint32_t frame = hop->entry->frame;
    unsigned end = hop->end;
    int reset_by = rst_sender(hop);

    if (hop->why == TCPS_WHY_SYN_SENT)
        put_in(history, &history->syn[end], end, 's', frame);
    else if (hop->why == TCPS_WHY_SYN_PROVEN)
        put_in(history, &history->syn[end], end, 's', syn_moment(conn, hop).frame);
    else if (hop->why == TCPS_WHY_SYN_ANSWERED || hop->why == TCPS_WHY_SYNACK_CHANGED)
        put_in(history, &history->synack[end], end, 'h', frame);
    else if (hop->why == TCPS_WHY_FIN_SENT || hop->why == TCPS_WHY_FIN_BELIEVED)
        put_in(history, &history->fin[end], end, 'f', frame);
    else if (reset_by >= 0)
        put_in(history, &history->rst[reset_by], (unsigned)reset_by, 'r', frame);
}

/* Roles that were guessed wrong and corrected since had another basis then. */
static unsigned role_basis_then(const struct tcps_conn *conn, unsigned client_end)
{
    return client_end == conn->client_end ? conn->role_basis : conn->guess_basis;
}

void tcps_history(const struct tcps_conn *conn, struct tcps_position at, char *text, size_t size)
{
    uint32_t entries = tcps_log_until(&conn->log, at);
    struct walk walk = walk_of(conn, entries);
    struct history history = {.text = text, .size = size};
    struct hop hop;

    if (size == 0) return;
    if (entries) history.client = conn->log.entries[entries - 1].client_end;
    /* Zeek marks a connection whose roles it had to flip. */
    if (entries && role_basis_then(conn, history.client) == TCPS_ROLE_synack && size > 1) text[history.length++] = '^';
    while (next_hop(&walk, &hop)) {
        if (hop.entry->frame) put_until(&history, conn, hop.entry->frame - 1);
        history_hop(&history, conn, &hop);
    }
    put_until(&history, conn, at.frame);
    text[history.length] = '\0';
}
