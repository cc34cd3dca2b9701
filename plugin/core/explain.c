/* Words for what happened. See explain.h; the sentences are in reason.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARROW "\xe2\x86\x92" /* U+2192 */

const char *tcps_role_name(unsigned end, unsigned client_end)
{
    return end == client_end ? "client" : "server";
}

/* ---- writing ---- */

/* A text that grows, cut at its size. */
struct writing {
    char *text;
    size_t size, used;
};

static void put(struct writing *to, const char *octets, size_t length)
{
    size_t room = to->size - to->used;

    if (room == 0) return;
    if (length > room - 1) length = room - 1;
    memcpy(to->text + to->used, octets, length);
    to->used += length;
    to->text[to->used] = '\0';
}

static void put_text(struct writing *to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_number(struct writing *to, uint32_t number)
{
    char digits[12];

    put(to, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu32, number));
}

/* ---- events ---- */

/* The frame in which `end` entered the state that it had before entry `index`; 0 if nothing was logged before. A packet
 * may take back two presumptions: then the second is not the packet's own either. */
static uint32_t entered_before(const struct tcps_conn *conn, uint32_t index, unsigned end)
{
    const struct tcps_entry *entries = conn->log.entries;
    unsigned state = tcps_state_before(conn, index, end);

    if (index == 0) return 0;
    for (uint32_t i = index; i-- > 0;) {
        bool enters = i == 0 || tcps_entry_state(&entries[i - 1], end) != state;

        if (enters && tcps_entry_state(&entries[i], end) == state && entries[i].frame != entries[index].frame)
            return entries[i].frame;
    }
    return entries[index].frame;
}

/* These two correct a guess and an ambition: no frame was wrong. */
static bool takes_back_a_presumption(unsigned why)
{
    return tcps_reason_kind(why) == TCPS_CORRECTION && why != TCPS_WHY_ROLES_SWAPPED && why != TCPS_WHY_LOG_FULL;
}

static void fill_event(const struct tcps_conn *conn, uint32_t index, unsigned end, struct tcps_event *event)
{
    const struct tcps_entry *entry = &conn->log.entries[index];

    event->end = (uint8_t)end;
    event->from = (uint8_t)tcps_state_before(conn, index, end);
    event->to = (uint8_t)tcps_entry_state(entry, end);
    event->why = (uint8_t)tcps_entry_why(entry, end);
    event->taken_back = takes_back_a_presumption(event->why) ? entered_before(conn, index, end) : 0;
}

/* Each entry is one hop of either or both ends. All hops of the sender come before those of its peer: what a segment
 * proves of its sender is the cause of what it does to the addressee. */
bool tcps_event_at(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender, unsigned i,
                   struct tcps_event *event)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned end = pass ? !sender : sender;

        for (uint32_t k = 0; k < view->entries; k++) {
            uint32_t index = view->first_entry + k;

            if (tcps_entry_why(&conn->log.entries[index], end) == TCPS_WHY_NONE) continue;
            if (i-- > 0) continue;
            fill_event(conn, index, end, event);
            return true;
        }
    }
    return false;
}

bool tcps_event_is_transition(const struct tcps_event *event)
{
    enum tcps_reason_kind kind = tcps_reason_kind(event->why);

    return (kind == TCPS_TRANSITION || kind == TCPS_CORRECTION) && event->from != event->to;
}

/* Ready-made, since it goes to a column of every packet that changes a state. */
struct words {
    char text[24]; /* copied as a whole: that is faster than by length */
    size_t length;
};

static const struct words *transition_words(bool of_client, unsigned state)
{
    static const struct words words[2][TCPS_STATE_COUNT] = {
        {
#define X(name, meaning) {"server" ARROW #name, sizeof "server" ARROW #name - 1},
            TCPS_STATES(X)
#undef X
        },
        {
#define X(name, meaning) {"client" ARROW #name, sizeof "client" ARROW #name - 1},
            TCPS_STATES(X)
#undef X
        },
    };

    return &words[of_client][state < TCPS_STATE_COUNT ? state : TCPS_UNKNOWN];
}

void tcps_event_text(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_event *event,
                     char *text, size_t size)
{
    struct writing writing = {text, size, 0};

    (void)conn;
    put_text(&writing, transition_words(event->end == view->client_end, event->to)->text);
}

/* Done for every packet of the packet list, so it reads the log itself instead of asking for event after event. */
size_t tcps_transitions_text(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender, char *text,
                             size_t size)
{
    uint32_t first = view->first_entry, behind = first + view->entries;
    size_t used = 0;

    for (unsigned pass = 0; pass < 2 && first < behind; pass++) {
        unsigned end = pass ? !sender : sender;
        unsigned before = tcps_state_before(conn, first, end);

        for (uint32_t i = first; i < behind; i++) {
            unsigned state = tcps_entry_state(&conn->log.entries[i], end);
            const struct words *words = transition_words(end == view->client_end, state);

            if (state == before) continue;
            before = state;
            if (used + sizeof ", " + sizeof words->text > size) break;
            if (used) text[used++] = ',', text[used++] = ' ';
            memcpy(text + used, words->text, sizeof words->text);
            used += words->length;
        }
    }
    if (!used && size) text[0] = '\0';
    return used;
}

/* ---- sentences ---- */

/* The ISS that was known at a position, which another one may have replaced since. */
static uint32_t base_at(const struct tcps_conn *conn, unsigned end, struct tcps_position at)
{
    const struct tcps_rarities *rare = conn->rarities;
    const struct tcps_position *rebased;

    if (!rare || !rare->rebased_at[end].frame) return conn->end[end].iss;
    rebased = &rare->rebased_at[end];
    return rare->bases[end][at.frame > rebased->frame || (at.frame == rebased->frame && at.layer >= rebased->layer)];
}

/* Numbers so little below the ISS are of another connection; farther off they are of this one, after 2^31 octets. */
#define BEFORE_ISS (UINT32_C(1) << 30)

uint32_t tcps_relative_seq(const struct tcps_conn *conn, unsigned end, uint32_t raw, struct tcps_position at)
{
    const struct tcps_endpoint *endpoint = &conn->end[end & 1];
    bool known = tcps_has(endpoint, TCPS_HAS_NUMBERS) && !tcps_has(endpoint, TCPS_OLD_LIFE);
    uint32_t base;

    /* Numbers become known in a frame that is logged. */
    if (!known || tcps_log_until(&conn->log, at) <= endpoint->numbers_at) return raw;
    base = base_at(conn, end & 1, at);
    return base - raw - 1 < BEFORE_ISS ? raw : raw - base;
}

struct filling {
    const struct tcps_conn *conn;
    const struct tcps_view *view;
    const struct tcps_event *event;
    const struct tcps_segment *seg;
    struct writing to;
};

static bool is_name(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

/* The frame in which the event's end entered the state that it had before the event. */
static uint32_t since(const struct filling *filling)
{
    const struct tcps_log *log = &filling->conn->log;
    const struct tcps_event *event = filling->event;

    for (uint32_t i = filling->view->first_entry; i < filling->view->first_entry + filling->view->entries; i++)
        if (tcps_entry_why(&log->entries[i], event->end) == event->why)
            return entered_before(filling->conn, i, event->end);
    return 0;
}

/* What stands for a placeholder of reason.h. */
static void put_value(struct filling *filling, const char *name, size_t length)
{
    const struct tcps_conn *conn = filling->conn;
    const struct tcps_segment *seg = filling->seg;
    unsigned me = filling->event->end, peer = !me, from = seg->from & 1u;
    const char *role = is_name(name, length, "me")     ? tcps_role_name(me, filling->view->client_end)
                       : is_name(name, length, "peer") ? tcps_role_name(peer, filling->view->client_end)
                                                       : NULL;

    if (role)
        put_text(&filling->to, role);
    else if (is_name(name, length, "seq"))
        put_number(&filling->to, tcps_relative_seq(conn, from, seg->seq, seg->at));
    else if (is_name(name, length, "ack"))
        put_number(&filling->to, tcps_relative_seq(conn, !from, seg->ack, seg->at));
    else if (is_name(name, length, "end"))
        put_number(&filling->to, tcps_relative_seq(conn, from, seg->seq + seg->len, seg->at));
    else if (is_name(name, length, "acked"))
        put_number(&filling->to, tcps_relative_seq(conn, !from, seg->ack - 1, seg->at));
    else if (is_name(name, length, "prior"))
        put_number(&filling->to, tcps_relative_seq(conn, from, seg->seq - 1, seg->at));
    else if (is_name(name, length, "since"))
        put_number(&filling->to, since(filling));
}

void tcps_event_reason(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_event *event,
                       const struct tcps_segment *seg, char *text, size_t size)
{
    struct filling filling = {conn, view, event, seg, {text, size, 0}};
    const char *rest = tcps_reason_sentence(event->why);

    if (size == 0) return;
    text[0] = '\0';
    for (;;) {
        const char *open = strchr(rest, '{');
        const char *close = open ? strchr(open, '}') : NULL;

        if (!close) break;
        put(&filling.to, rest, (size_t)(open - rest));
        put_value(&filling, open + 1, (size_t)(close - open - 1));
        rest = close + 1;
    }
    put_text(&filling.to, rest);
}
