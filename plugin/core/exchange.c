/* The opening handshake, the close, and Zeek's summary of both, read from a connection's log. See exchange.h.
 * Knows reasons and states, no segment: what the log does not say did not happen. Look next: reason.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exchange.h"

#include <string.h>

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

/* ---- walking the log ---------------------------------------------------------------------------------------- */

/* What one entry says of one end. */
struct hop {
    const struct tcps_entry *entry;
    unsigned end;
    unsigned from, to;        /* states; the same for a verdict */
    enum tcps_reason why;
};

struct walk {
    const struct tcps_log *log;
    uint32_t entries, next;
    unsigned next_end;
};

static struct walk walk_of(const struct tcps_conn *conn, uint32_t entries)
{
    struct walk walk = {.log = &conn->log, .entries = entries < conn->log.count ? entries : conn->log.count};

    return walk;
}

static struct tcps_moment moment_of(const struct tcps_entry *entry)
{
    struct tcps_moment moment = {entry->frame, entry->time};

    return moment;
}

/* The next thing said of either end; false at the end of the log. */
static bool next_hop(struct walk *walk, struct hop *hop)
{
    while (walk->next < walk->entries) {
        const struct tcps_entry *entry = &walk->log->entries[walk->next];
        unsigned end = walk->next_end;

        hop->entry = entry;
        hop->end = end;
        hop->from = walk->next ? tcps_entry_state(entry - 1, end) : TCPS_UNKNOWN;
        hop->to = tcps_entry_state(entry, end);
        hop->why = tcps_entry_why(entry, end);
        walk->next_end = !end;
        if (end == 1) walk->next++;
        if (hop->why != TCPS_WHY_NONE) return true;
    }
    return false;
}

/* When the SYN that the hop tells of was captured. One that had to be proven waited with the connection before. */
static struct tcps_moment syn_moment(const struct tcps_conn *conn, const struct hop *hop)
{
    const struct tcps_conn *older = tcps_older(conn);
    const struct tcps_waiting_syn *waited = older && older->rarities ? older->rarities->waiting : NULL;

    if (hop->why == TCPS_WHY_SYN_PROVEN && waited && waited->syn.from == hop->end) {
        struct tcps_moment moment = {waited->syn.at.frame, waited->syn.time};

        return moment;
    }
    return moment_of(hop->entry);
}

/* Which end sent the RST that the hop tells of: 0 or 1; -1 if it tells of none. */
static int rst_sender(const struct hop *hop)
{
    switch (hop->why) {
    case TCPS_WHY_RST_SENT:
    case TCPS_WHY_RST_OF_FIN_TAKER:
    case TCPS_WHY_NOT_LISTENING:
    case TCPS_WHY_RST_KEEPS_SENDER:
        return (int)hop->end;
    case TCPS_WHY_RST_TAKEN:
    case TCPS_WHY_REFUSED:
    case TCPS_WHY_BACK_TO_LISTEN:
    case TCPS_WHY_RST_IN_WINDOW:
    case TCPS_WHY_RST_OUTSIDE:
    case TCPS_WHY_RST_NOT_FOR_SYN:
    case TCPS_WHY_RST_REPEATED:
        return (int)!hop->end;
    default:
        return -1;
    }
}

int tcps_reset_sender(const struct tcps_conn *conn, uint32_t entry)
{
    struct walk walk = {.log = &conn->log, .entries = entry + 1, .next = entry};
    struct hop hop;

    while (entry < conn->log.count && next_hop(&walk, &hop))
        if (rst_sender(&hop) >= 0) return rst_sender(&hop);
    return -1;
}

/* Was the end's segment put aside until another shows whether it was real? */
static bool is_doubted(enum tcps_reason why)
{
    return why == TCPS_WHY_ACKS_UNSENT || why == TCPS_WHY_OUTSIDE_WINDOW || why == TCPS_WHY_NO_ACK_FLAG ||
           why == TCPS_WHY_OLD_TIMESTAMP;
}

/* Did a RST close an end in this hop? */
static bool closed_by_rst(const struct hop *hop)
{
    return tcps_reason_kind(hop->why) == TCPS_TRANSITION && rst_sender(hop) >= 0 &&
           hop->why != TCPS_WHY_RST_OF_FIN_TAKER;
}

static bool rst_taken_back(enum tcps_reason why)
{
    return why == TCPS_WHY_SYN_AFTER_RST || why == TCPS_WHY_ALIVE_AFTER_RST || why == TCPS_WHY_SENT_BEFORE_RST;
}

static bool is_open_state(unsigned state)
{
    switch (state) {
    case TCPS_ESTABLISHED:
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSE_WAIT:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
        return true;
    default:
        return false;
    }
}

/* ---- the opening -------------------------------------------------------------------------------------------- */

struct opening_walk {
    const struct tcps_conn *conn;
    struct tcps_opening *out;
    int first_syn;      /* the end that sent the first SYN, -1: not captured */
    bool crossed;       /* both ends sent a SYN of their own */
    bool answered[2];   /* the end sent a SYN,ACK */
    uint32_t counted[2]; /* the frame of the end's last retransmission: two reasons may tell of one segment */
};

/* What an attempt amounts to while it is not complete. */
static enum tcps_open_status waiting_status(const struct opening_walk *walk)
{
    return walk->answered[0] || walk->answered[1] ? TCPS_STATUS_half_open : TCPS_STATUS_unanswered;
}

static bool is_settled(const struct tcps_opening *opening)
{
    return opening->status == TCPS_STATUS_complete || opening->status == TCPS_STATUS_unseen;
}

static void syn_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;
    struct tcps_moment sent = syn_moment(walk->conn, hop);

    if (walk->first_syn < 0) {
        walk->first_syn = (int)hop->end;
        out->syn = sent;
        if (out->kind == TCPS_OPEN_none) out->kind = TCPS_OPEN_three_way;
    } else if (walk->first_syn != (int)hop->end && !walk->crossed) {
        walk->crossed = true;
        out->kind = TCPS_OPEN_simultaneous;
        out->synack = sent;
    }
    if (!is_settled(out)) out->status = waiting_status(walk);
}

static void synack_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;
    /* Fast Open is a fact of the SYN,ACK, so it holds wherever the SYN,ACK was seen. */
    bool fast_open = tcps_has(&walk->conn->end[hop->end], TCPS_FAST_OPEN);

    walk->answered[hop->end] = true;
    if (!out->synack.frame) out->synack = moment_of(hop->entry);
    if (!walk->crossed) out->kind = fast_open ? TCPS_OPEN_fast_open : TCPS_OPEN_three_way;
    out->status = TCPS_STATUS_half_open;
}

static void count_again(struct opening_walk *walk, const struct hop *hop, uint32_t *counter)
{
    if (walk->counted[hop->end] == hop->entry->frame) return;
    walk->counted[hop->end] = hop->entry->frame;
    ++*counter;
}

/* An attempt that failed for a reason already known keeps it; a RST that is taken back revives it. */
static void failure_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;

    if (is_settled(out)) return;
    if (rst_taken_back(hop->why))
        out->status = waiting_status(walk);
    else if (hop->why == TCPS_WHY_REFUSED || hop->why == TCPS_WHY_NOT_LISTENING)
        out->status = TCPS_STATUS_refused;
    else if (hop->why == TCPS_WHY_ACK_FOR_SYN || hop->why == TCPS_WHY_SYNACK_WRONG_ACK)
        out->status = TCPS_STATUS_rejected;
    else if (hop->why == TCPS_WHY_UNREACHABLE)
        out->status = TCPS_STATUS_unreachable;
    else if (closed_by_rst(hop) && out->status != TCPS_STATUS_refused && out->status != TCPS_STATUS_rejected)
        out->status = TCPS_STATUS_reset;
}

static void opening_hop(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;

    switch (hop->why) {
    case TCPS_WHY_MIDSTREAM:
        out->kind = TCPS_OPEN_midstream;
        out->status = TCPS_STATUS_unseen;
        break;
    case TCPS_WHY_SYN_SENT:
    case TCPS_WHY_SYN_PROVEN:
        syn_of(walk, hop);
        break;
    case TCPS_WHY_SYN_ANSWERED:
        synack_of(walk, hop);
        break;
    case TCPS_WHY_SYN_TAKEN: /* the second SYN's sender answers with an ACK, not with a SYN,ACK */
        if (walk->crossed && walk->first_syn != (int)hop->end && !walk->answered[hop->end]) out->kind = TCPS_OPEN_split;
        break;
    case TCPS_WHY_SYN_AFTER_RST:
    case TCPS_WHY_SYN_REPEATED:
        count_again(walk, hop, &out->syn_retransmits);
        break;
    case TCPS_WHY_SYNACK_AGAIN:
        out->status = TCPS_STATUS_half_open;
        out->ack.frame = 0;
        out->ack.time = 0;
        /* fall through */
    case TCPS_WHY_SYNACK_REPEATED:
        count_again(walk, hop, &out->synack_retransmits);
        break;
    default:
        break;
    }
    failure_of(walk, hop);
    if (is_open_state(hop->entry->state0) && is_open_state(hop->entry->state1) && !is_settled(out)) {
        out->status = TCPS_STATUS_complete;
        out->ack = moment_of(hop->entry);
    }
}

void tcps_opening_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_opening *opening)
{
    struct opening_walk opening_walk = {.conn = conn, .out = opening, .first_syn = -1};
    struct walk walk = walk_of(conn, entries);
    struct hop hop;

    memset(opening, 0, sizeof *opening);
    while (next_hop(&walk, &hop)) opening_hop(&opening_walk, &hop);
}

/* ---- the close ---------------------------------------------------------------------------------------------- */

struct closing_walk {
    int order[2];                  /* the ends in the order of their FINs; -1: none */
    struct tcps_moment fin[2], ack[2]; /* by end */
    struct tcps_moment doubted[2]; /* the end's last segment that was put aside: it may have been its FIN */
    bool acked[2], passive[2], crossed;
    int rst_by;
    bool opened;                   /* there was a connection to close */
    struct tcps_moment rst;
    bool rst_late;                 /* the RST came after both FINs were acknowledged */
};

static bool fin_known(const struct closing_walk *walk, unsigned end)
{
    return walk->order[0] == (int)end || walk->order[1] == (int)end;
}

/* `sent` has frame 0 when the FIN itself was not captured. */
static void fin_of(struct closing_walk *walk, unsigned end, struct tcps_moment sent)
{
    if (!fin_known(walk, end)) walk->order[walk->order[0] < 0 ? 0 : 1] = (int)end;
    if (!walk->fin[end].frame) walk->fin[end] = sent;
}

static bool both_acked(const struct closing_walk *walk)
{
    return walk->order[1] >= 0 && walk->acked[0] && walk->acked[1];
}

/* `acked` has frame 0 when the acknowledgement itself was not captured. */
static void fin_acked(struct closing_walk *walk, unsigned end, struct tcps_moment acked)
{
    if (walk->acked[end]) return;
    walk->acked[end] = true;
    walk->ack[end] = acked;
}

static void closing_rst(struct closing_walk *walk, const struct hop *hop)
{
    if (rst_taken_back(hop->why)) {
        walk->rst.frame = 0;
        walk->rst_by = -1;
        walk->rst_late = false;
    } else if (closed_by_rst(hop) && walk->opened && !walk->rst.frame) {
        walk->rst = moment_of(hop->entry);
        walk->rst_by = rst_sender(hop);
        walk->rst_late = both_acked(walk);
    }
}

static const struct tcps_moment not_captured = {0, 0};

/* What the state says that `end` entered: a FIN that was not captured is known from what followed from it. */
static void closing_state(struct closing_walk *walk, const struct hop *hop)
{
    bool implied = hop->why == TCPS_WHY_IMPLIED || hop->why == TCPS_WHY_FIN_UNSEEN;
    struct tcps_moment acked = implied ? not_captured : moment_of(hop->entry);
    unsigned end = hop->end;

    switch (hop->to) {
    case TCPS_FIN_WAIT_1:
    case TCPS_LAST_ACK:
        fin_of(walk, end, not_captured);
        break;
    case TCPS_CLOSE_WAIT:
        fin_of(walk, !end, not_captured);
        break;
    case TCPS_FIN_WAIT_2:
        fin_of(walk, end, not_captured);
        fin_acked(walk, end, acked);
        break;
    case TCPS_TIME_WAIT:
        fin_of(walk, end, not_captured);
        fin_of(walk, !end, not_captured);
        fin_acked(walk, end, acked);
        break;
    case TCPS_CLOSED:
        if (hop->from == TCPS_LAST_ACK) fin_acked(walk, end, acked);
        break;
    default:
        break;
    }
}

/* The end is back in a state without FIN: what looked like one was none. */
static void forget_fin(struct closing_walk *walk, unsigned end)
{
    if (walk->order[0] == (int)end) walk->order[0] = walk->order[1];
    if (walk->order[0] == (int)end) walk->order[0] = -1;
    walk->order[1] = -1;
    walk->fin[end] = walk->ack[end] = not_captured;
    walk->acked[end] = walk->passive[end] = walk->passive[!end] = walk->crossed = false;
}

static void closing_fin(struct closing_walk *walk, const struct hop *hop)
{
    unsigned end = hop->end;

    if (hop->why == TCPS_WHY_FIN_SENT) {
        walk->crossed = walk->crossed || (hop->to == TCPS_FIN_WAIT_1 && fin_known(walk, !end));
        fin_of(walk, end, moment_of(hop->entry));
    } else if (hop->why == TCPS_WHY_FIN_BELIEVED) {
        fin_of(walk, end, walk->doubted[end]);
    } else if (hop->why == TCPS_WHY_FIN_AGAIN) {
        walk->acked[end] = false;
        walk->ack[end] = not_captured;
    } else if (tcps_reason_kind(hop->why) == TCPS_CORRECTION && fin_known(walk, end) &&
               (hop->to == TCPS_ESTABLISHED || hop->to == TCPS_CLOSE_WAIT)) {
        forget_fin(walk, end);
    }
    if (is_doubted(hop->why)) walk->doubted[end] = moment_of(hop->entry);
}

static void closing_hop(struct closing_walk *walk, const struct hop *hop)
{
    unsigned end = hop->end;

    closing_fin(walk, hop);
    if (hop->from != hop->to && tcps_reason_kind(hop->why) == TCPS_TRANSITION && !closed_by_rst(hop))
        closing_state(walk, hop);
    if (hop->to == TCPS_LAST_ACK) walk->passive[end] = true;
    if (hop->to == TCPS_CLOSING) walk->crossed = true;
    closing_rst(walk, hop);
    if (is_open_state(hop->entry->state0) && is_open_state(hop->entry->state1)) walk->opened = true;
}

static enum tcps_close_kind closing_kind(const struct closing_walk *walk, const struct tcps_closing *out)
{
    if (walk->rst.frame) {
        if (walk->rst_late) return TCPS_CLOSE_reset_after_close;
        return walk->order[0] >= 0 ? TCPS_CLOSE_fin_then_reset : TCPS_CLOSE_reset;
    }
    if (walk->order[0] < 0) return TCPS_CLOSE_none;
    if (walk->order[1] < 0) return walk->acked[walk->order[0]] ? TCPS_CLOSE_half_closed : TCPS_CLOSE_closing;
    if (!out->complete) return TCPS_CLOSE_closing;
    if (out->initiator == 2) return TCPS_CLOSE_simultaneous;
    return out->ack[0].frame == out->fin[1].frame ? TCPS_CLOSE_three_segment : TCPS_CLOSE_four_segment;
}

static int closing_initiator(const struct closing_walk *walk)
{
    if (walk->order[0] < 0) return walk->rst.frame ? walk->rst_by : -1;
    if (walk->passive[0]) return 1;
    if (walk->passive[1]) return 0;
    return walk->crossed ? 2 : walk->order[0];
}

void tcps_closing_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_closing *closing)
{
    struct closing_walk closing_walk = {.order = {-1, -1}, .rst_by = -1};
    struct walk walk = walk_of(conn, entries);
    struct hop hop;

    memset(closing, 0, sizeof *closing);
    while (next_hop(&walk, &hop)) closing_hop(&closing_walk, &hop);
    for (unsigned i = 0; i < 2; i++) {
        int end = closing_walk.order[i];

        if (end < 0) continue;
        closing->fin[i] = closing_walk.fin[end];
        closing->ack[i] = closing_walk.ack[end];
    }
    closing->rst = closing_walk.rst;
    closing->complete = both_acked(&closing_walk);
    closing->initiator = closing_initiator(&closing_walk);
    closing->kind = closing_kind(&closing_walk, closing);
}

/* ---- Zeek's words ------------------------------------------------------------------------------------------- */

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

static void zeek_hop(struct zeek *zeek, const struct hop *hop)
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
    case TCPS_WHY_FIN_BELIEVED:
        zeek_fin(zeek, end);
        return;
    default:
        break;
    }
    if (reset_by >= 0)
        zeek_rst(zeek, (unsigned)reset_by);
    else if (rst_taken_back(hop->why) && zeek->state[!end] == ZEEK_RESET)
        zeek->state[!end] = zeek->before_reset[!end];
    if (zeek->state[end] == ZEEK_INACTIVE && is_open_state(hop->to) &&
        tcps_entry_basis(hop->entry, end) == TCPS_BASIS_observed)
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

const char *tcps_conn_state(const struct tcps_conn *conn, uint32_t entries)
{
    struct walk walk = walk_of(conn, entries);
    struct zeek zeek = {{ZEEK_INACTIVE, ZEEK_INACTIVE}, {ZEEK_INACTIVE, ZEEK_INACTIVE}, {false, false}};
    struct hop hop;

    while (next_hop(&walk, &hop)) zeek_hop(&zeek, &hop);
    if (walk.entries == 0) return "OTH";
    return zeek_verdict(&zeek, conn->log.entries[walk.entries - 1].client_end,
                        !conn->end[0].first_data && !conn->end[1].first_data);
}

/* ---- history ------------------------------------------------------------------------------------------------ */

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
        uint32_t lowest = frame + 1;
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
