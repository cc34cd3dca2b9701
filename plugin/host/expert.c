/* Expert infos. See expert.h.
 *
 * Three rules say whether an entry of the log is worth a word; each is a pure function of the log up to that entry. So
 * "was it said before?" needs no memory: the earlier entries are asked again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "expert.h"

#include <epan/column-info.h>
#include <epan/expert.h>
#include <epan/tap.h>

#include "core/exchange.h"
#include "core/explain.h"
#include "core/notable.h"
#include "core/reset_words.h"
#include "report/tap_payload.h"

/* X(id, filter name after "tcpstate.", group, severity, summary). A connection without trouble has Chats only. */
#define EXPERTS(X)                                                                                                     \
    X(OPEN_COMPLETE, "open.complete", SEQUENCE, CHAT, "Opening handshake complete")                                    \
    X(CLOSE_INITIATED, "close.initiated", SEQUENCE, CHAT, "Close begins")                                              \
    X(CLOSE_COMPLETE, "close.complete", SEQUENCE, CHAT, "Close complete, both FINs acknowledged")                      \
    X(OPEN_MIDSTREAM, "open.midstream", ASSUMPTION, NOTE, "No handshake captured")                                     \
    X(OPEN_SIMULTANEOUS, "open.simultaneous", SEQUENCE, NOTE, "Simultaneous open")                                     \
    X(OPEN_SPLIT, "open.split", SECURITY, WARN, "Split handshake: the SYN was answered by a SYN")                      \
    X(OPEN_REFUSED, "open.refused", SEQUENCE, NOTE, "Connection refused")                                              \
    X(OPEN_UNANSWERED, "open.unanswered", SEQUENCE, WARN, "SYN not answered so far")                                   \
    X(OPEN_UNREACHABLE, "open.icmp_unreachable", SEQUENCE, WARN, "Not delivered")                                      \
    X(OPEN_SYNACK_LOOP, "open.synack_loop", SEQUENCE, WARN,                                                            \
      "SYN,ACK sent again and again after the third ACK: lost ACKs, or the server's backlog is full")                  \
    X(OPEN_ACK_FOR_SYN, "open.ack_instead_of_synack", SEQUENCE, WARN, "SYN answered by an ACK of another connection")  \
    X(OPEN_WRONG_ACK, "open.synack_wrong_ack", SEQUENCE, WARN, "SYN,ACK with a wrong ACK")                             \
    X(OPEN_SYNACK_CHANGED, "open.synack_changed", SEQUENCE, WARN, "A second, different SYN,ACK")                       \
    X(OPEN_SYN_DATA, "open.syn_with_data", SEQUENCE, NOTE, "SYN with data, without Fast Open")                         \
    X(OPEN_TFO_IGNORED, "open.tfo_ignored", SEQUENCE, NOTE, "The data of the Fast Open SYN was not taken")             \
    X(OPEN_SLOW, "open.slow", SEQUENCE, NOTE, "Slow opening handshake")                                                \
    X(SYN_INSIDE, "syn_in_established", SEQUENCE, WARN, "SYN inside a connection")                                     \
    X(HALF_OPEN_RECOVERED, "half_open_recovered", SEQUENCE, NOTE, "New connection over a half-open one")               \
    X(PORT_REUSED, "port_reused", SEQUENCE, NOTE, "Another connection on the same addresses and ports")                \
    X(PORT_REUSED_EARLY, "port_reused_early", SEQUENCE, WARN, "Addresses and ports used again in TIME_WAIT")           \
    X(CLOSE_SIMULTANEOUS, "close.simultaneous", SEQUENCE, NOTE, "Simultaneous close")                                  \
    X(HALF_CLOSED, "close.half_closed", SEQUENCE, NOTE, "Half-closed: data goes on after the other side's FIN")        \
    X(FIN_OUT_OF_ORDER, "close.fin_out_of_order", SEQUENCE, NOTE, "FIN ahead of missing data")                         \
    X(STUCK_CLOSE_WAIT, "close.stuck_close_wait", SEQUENCE, WARN, "Long in CLOSE_WAIT: the application did not close") \
    X(STUCK_FIN_WAIT, "close.stuck_fin_wait", SEQUENCE, WARN, "Long wait for an answer to the FIN")                    \
    X(FIN_INCONSISTENT, "fin_inconsistent", PROTOCOL, WARN, "FIN or data contradict an earlier FIN")                   \
    X(ACK_BEYOND_FIN, "ack_beyond_fin", PROTOCOL, WARN, "ACK beyond the FIN")                                          \
    X(RST_ABORT, "rst.abort", SEQUENCE, WARN, "Connection aborted")                                                    \
    X(RST_AFTER_FIN, "rst.after_fin", SEQUENCE, NOTE, "Reset after a FIN")                                             \
    X(RST_AFTER_CLOSE, "rst.after_close", SEQUENCE, CHAT, "Reset after the close")                                     \
    X(RST_DATA_LOST, "rst.data_lost", SEQUENCE, WARN, "RST while data was not acknowledged")                           \
    X(DATA_AFTER_RST, "data_after_rst", SEQUENCE, WARN, "Data after its sender's own RST")                             \
    X(KEEPALIVE_DEAD, "keepalive_dead", SEQUENCE, WARN, "Keep-alives without an answer")                               \
    X(RST_IN_WINDOW, "rst.in_window", SEQUENCE, NOTE, "RST in the window, not exact")                                  \
    X(RST_OUTSIDE, "rst.out_of_window", SECURITY, WARN, "RST outside the window")                                      \
    X(RST_INJECTED, "rst.suspected_injection", SECURITY, WARN, "The sender of a RST goes on: injected?")               \
    X(CHALLENGE_ACK, "challenge_ack", SEQUENCE, NOTE, "Challenge ACK")                                                 \
    X(FLAGS_INVALID, "flags_invalid", PROTOCOL, WARN, "Flags or header that no TCP sends")                             \
    X(IMPLAUSIBLE, "implausible", PROTOCOL, NOTE, "Numbers far from all that is known")                                \
    X(CORRECTED, "state_corrected", ASSUMPTION, NOTE, "An earlier state was presumed wrongly")                         \
    X(CAPTURE_GAP, "capture_gap", ASSUMPTION, NOTE, "Packets are missing from the capture")                            \
    X(ONE_SIDED, "one_sided", ASSUMPTION, NOTE, "Only one direction is captured so far")                               \
    X(CAPTURE_DUPLICATE, "capture_duplicate", SEQUENCE, CHAT, "Packet captured twice")

enum expert {
    NOTHING = -1,
#define X(id, name, group, severity, summary) id,
    EXPERTS(X)
#undef X
        EXPERT_COUNT
};

static expert_field ei[EXPERT_COUNT];

static const char *const summaries[] = {
#define X(id, name, group, severity, summary) summary,
    EXPERTS(X)
#undef X
};

/* ---- the log, as the rules read it ---- */

/* One end at one entry of the log. */
struct hop {
    const struct tcps_conn *conn;
    uint32_t index;
    unsigned end;
};

static const struct tcps_entry *entry_of(const struct hop *hop)
{
    return &hop->conn->log.entries[hop->index];
}

static struct tcps_position position_of(const struct hop *hop)
{
    return (struct tcps_position){.frame = entry_of(hop)->frame, .layer = entry_of(hop)->layer};
}

static bool had_reason_before(const struct hop *hop, unsigned why)
{
    for (uint32_t i = 0; i < hop->index; i++)
        if (tcps_entry_why(&hop->conn->log.entries[i], hop->end) == why) return true;
    return false;
}

/* The entry at which the end entered the state that it had before entry `hop->index`, which is not the first. */
static const struct tcps_entry *entered_before(const struct hop *hop)
{
    const struct tcps_entry *entries = hop->conn->log.entries;
    unsigned state = tcps_state_before(hop->conn, hop->index, hop->end);
    uint32_t i = hop->index;

    while (--i > 0 && tcps_entry_state(&entries[i - 1], hop->end) == state) {}
    return &entries[i];
}

/* How long, in nanoseconds, the end had been in the state that it had before the entry. */
static int64_t waited(const struct hop *hop)
{
    return hop->index ? entry_of(hop)->time - entered_before(hop)->time : 0;
}

/* ---- rule 1: the reason ---- */

/* The end was closed by a RST: why it was sent decides how bad that is. */
static enum expert of_reset(const struct hop *hop)
{
    struct tcps_view view;
    unsigned receiver;

    tcps_conn_view(hop->conn, position_of(hop), &view);
    receiver = view.before[hop->end];
    switch (tcps_rst_cause_of(hop->conn, &view, !hop->end)) {
    case TCPS_CAUSE_abort: return receiver == TCPS_ESTABLISHED ? RST_ABORT : RST_AFTER_FIN;
    case TCPS_CAUSE_data_after_close: return RST_AFTER_FIN;
    case TCPS_CAUSE_after_close: return RST_AFTER_CLOSE;
    default: return NOTHING;
    }
}

/* Who sends on behind a RST of its own did not send it. Its receiver may: what it had sent was on the way, or the RST
 * had an old number. And a port that refused a SYN may be open when that SYN comes again. */
static enum expert of_life_after_reset(const struct hop *hop)
{
    const struct hop of_peer = {hop->conn, hop->index, !hop->end};

    if (hop->index == 0) return NOTHING;
    switch (tcps_entry_why(entered_before(hop), hop->end)) {
    case TCPS_WHY_RST_SENT: return RST_INJECTED;
    case TCPS_WHY_NOT_LISTENING: return had_reason_before(&of_peer, TCPS_WHY_SYN_AFTER_RST) ? NOTHING : RST_INJECTED;
    default: return NOTHING;
    }
}

static enum expert of_reuse(const struct hop *hop)
{
    const struct tcps_conn *older = tcps_older(hop->conn);
    const struct tcps_entry *last = older && older->log.count ? &older->log.entries[older->log.count - 1] : NULL;
    int64_t two_msl = tcpstate_preferences()->two_msl * TCPS_SECOND;

    if (!last) return NOTHING;
    if ((tcps_entry_state(last, 0) == TCPS_TIME_WAIT || tcps_entry_state(last, 1) == TCPS_TIME_WAIT) &&
        entry_of(hop)->time - last->time < two_msl)
        return PORT_REUSED_EARLY;
    return PORT_REUSED;
}

static enum expert by_reason(const struct hop *hop)
{
    switch (tcps_entry_why(entry_of(hop), hop->end)) {
    case TCPS_WHY_MIDSTREAM: return OPEN_MIDSTREAM;
    case TCPS_WHY_CARRIED_OVER:
        return tcps_entry_state(entry_of(hop), hop->end) == TCPS_TIME_WAIT ? NOTHING : HALF_OPEN_RECOVERED;
    case TCPS_WHY_FIN_SENT:
        return tcps_entry_state(entry_of(hop), hop->end) == TCPS_FIN_WAIT_1 ? CLOSE_INITIATED : NOTHING;
    case TCPS_WHY_REFUSED: return OPEN_REFUSED;
    case TCPS_WHY_SYN_REPEATED:
        return tcps_state_before(hop->conn, hop->index, hop->end) == TCPS_SYN_SENT ? OPEN_UNANSWERED : NOTHING;
    case TCPS_WHY_UNREACHABLE:
        return tcps_state_before(hop->conn, hop->index, hop->end) == TCPS_SYN_SENT ? OPEN_UNREACHABLE : NOTHING;
    case TCPS_WHY_SYNACK_AGAIN: return had_reason_before(hop, TCPS_WHY_SYNACK_AGAIN) ? OPEN_SYNACK_LOOP : NOTHING;
    case TCPS_WHY_ACK_FOR_SYN: return OPEN_ACK_FOR_SYN;
    case TCPS_WHY_SYNACK_WRONG_ACK: return OPEN_WRONG_ACK;
    case TCPS_WHY_SYNACK_CHANGED: return OPEN_SYNACK_CHANGED;
    case TCPS_WHY_SYN_INSIDE: return SYN_INSIDE;
    case TCPS_WHY_FIN_ELSEWHERE:
    case TCPS_WHY_DATA_BEYOND_FIN: return FIN_INCONSISTENT;
    case TCPS_WHY_ACKS_BEYOND_FIN: return ACK_BEYOND_FIN;
    case TCPS_WHY_RST_TAKEN: return of_reset(hop);
    case TCPS_WHY_RST_IN_WINDOW: return RST_IN_WINDOW;
    case TCPS_WHY_RST_OUTSIDE: return RST_OUTSIDE;
    case TCPS_WHY_ALIVE_AFTER_RST: return of_life_after_reset(hop);
    case TCPS_WHY_CHALLENGE_ACK: return CHALLENGE_ACK;
    case TCPS_WHY_MALFORMED: return FLAGS_INVALID;
    case TCPS_WHY_IMPLAUSIBLE: return IMPLAUSIBLE;
    case TCPS_WHY_FIN_UNSEEN:
    case TCPS_WHY_IMPLIED:
    case TCPS_WHY_SYN_IMPLIED: return CAPTURE_GAP;
    case TCPS_WHY_COPY: return CAPTURE_DUPLICATE;
    default: return NOTHING;
    }
}

/* ---- rule 2: what the reason is not needed for ---- */

static enum expert by_state(const struct hop *hop)
{
    unsigned why = tcps_entry_why(entry_of(hop), hop->end);

    if (hop->index == 0 && hop->end == 0 && tcps_incarnation(hop->conn) > 1) return of_reuse(hop);
    if (tcps_reason_kind(why) == TCPS_CORRECTION) return CORRECTED;
    if (why != TCPS_WHY_NONE && tcps_entry_state(entry_of(hop), hop->end) == TCPS_CLOSING) return CLOSE_SIMULTANEOUS;
    return NOTHING;
}

/* ---- rule 3: the time that went by ---- */

static enum expert by_waiting(const struct hop *hop)
{
    int64_t limit = tcpstate_preferences()->stuck_seconds * TCPS_SECOND;
    enum expert expert;

    switch (tcps_state_before(hop->conn, hop->index, hop->end)) {
    case TCPS_CLOSE_WAIT: expert = STUCK_CLOSE_WAIT; break;
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_LAST_ACK: expert = STUCK_FIN_WAIT; break;
    default: return NOTHING;
    }
    return waited(hop) > limit ? expert : NOTHING;
}

/* ---- saying it ---- */

typedef enum expert (*rule)(const struct hop *hop);

static const rule rules[] = {by_reason, by_state, by_waiting};

/* Did any entry before, or the other end of the same entry if it comes first, say the same? */
static bool said_before(rule says, const struct hop *hop, enum expert what)
{
    struct hop earlier = *hop;

    for (earlier.index = 0; earlier.index <= hop->index; earlier.index++)
        for (earlier.end = 0; earlier.end < 2; earlier.end++) {
            if (earlier.index == hop->index && earlier.end == hop->end) return false;
            if (says(&earlier) == what) return true;
        }
    return false;
}

/* Adds `what` with the sentence of the hop's reason, if it has one. */
static void say(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown, const struct hop *hop,
                enum expert what)
{
    struct tcps_event event = {.end = (uint8_t)hop->end, .why = (uint8_t)tcps_entry_why(entry_of(hop), hop->end)};
    char text[256];

    tcps_event_reason(shown->conn, &shown->view, &event, &shown->layer->segment, text, sizeof text);
    if (text[0])
        expert_add_info_format(pinfo, item, &ei[what], "%s: %s", summaries[what], text);
    else
        expert_add_info(pinfo, item, &ei[what]);
}

static void apply_rules(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown, uint32_t index)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++)
        for (unsigned end = 0; end < 2; end++) {
            struct hop hop = {shown->conn, index, end};
            enum expert what = rules[i](&hop);

            if (what != NOTHING && !said_before(rules[i], &hop, what)) say(pinfo, item, shown, &hop, what);
        }
}

/* ---- exchanges ---- */

static double milliseconds(const struct tcps_moment *from, const struct tcps_moment *until)
{
    return (double)(until->time - from->time) / 1e6;
}

/* Was a handshake or close complete before, and taken back? Then its end was told. */
static bool taken_back_before(const struct tcpstate_shown *shown, unsigned why)
{
    struct hop hop = {shown->conn, shown->view.first_entry, 0};
    bool before = had_reason_before(&hop, why);

    hop.end = 1;
    return before || had_reason_before(&hop, why);
}

static void say_opening(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    struct tcps_opening before, now;
    double taken;

    tcps_opening_of(shown->conn, shown->view.first_entry + shown->view.entries, &now);
    if (now.status != TCPS_STATUS_complete) return;
    tcps_opening_of(shown->conn, shown->view.first_entry, &before);
    if (before.status == TCPS_STATUS_complete || taken_back_before(shown, TCPS_WHY_SYNACK_AGAIN)) return;
    if (now.kind == TCPS_OPEN_simultaneous) expert_add_info(pinfo, item, &ei[OPEN_SIMULTANEOUS]);
    if (now.kind == TCPS_OPEN_split) expert_add_info(pinfo, item, &ei[OPEN_SPLIT]);
    if (!now.syn.frame || !now.ack.frame) {
        expert_add_info(pinfo, item, &ei[OPEN_COMPLETE]);
        return;
    }
    taken = milliseconds(&now.syn, &now.ack);
    expert_add_info_format(pinfo, item, &ei[OPEN_COMPLETE], "%s: %.3f ms since the SYN of frame %u",
                           summaries[OPEN_COMPLETE], taken, now.syn.frame);
    if (taken > tcpstate_preferences()->slow_handshake)
        expert_add_info_format(pinfo, item, &ei[OPEN_SLOW], "%s: %.0f ms since the SYN of frame %u",
                               summaries[OPEN_SLOW], taken, now.syn.frame);
}

static void say_closing(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    struct tcps_closing before, now;

    tcps_closing_of(shown->conn, shown->view.first_entry + shown->view.entries, &now);
    if (!now.complete) return;
    tcps_closing_of(shown->conn, shown->view.first_entry, &before);
    if (before.complete || taken_back_before(shown, TCPS_WHY_FIN_AGAIN)) return;
    if (now.initiator >= 0 && now.initiator < 2 && now.fin[0].frame)
        expert_add_info_format(pinfo, item, &ei[CLOSE_COMPLETE], "%s: the %s closed first, in frame %u",
                               summaries[CLOSE_COMPLETE],
                               tcps_role_name((unsigned)now.initiator, shown->view.client_end), now.fin[0].frame);
    else
        expert_add_info(pinfo, item, &ei[CLOSE_COMPLETE]);
}

static void say_syn_data(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    const struct tcps_segment *segment = &shown->layer->segment;

    if ((segment->flags & (TCPS_SYN | TCPS_ACK | TCPS_RST | TCPS_FIN)) != TCPS_SYN || !segment->len) return;
    if (segment->fast_open || segment->malformed || shown->view.first_entry > 0) return;
    expert_add_info(pinfo, item, &ei[OPEN_SYN_DATA]);
}

/* ---- what the log does not know ---- */

static const enum expert expert_of_notable[TCPS_NOTABLE_COUNT] = {
    [TCPS_NOTABLE_HALF_CLOSED] = HALF_CLOSED,       [TCPS_NOTABLE_ONE_SIDED] = ONE_SIDED,
    [TCPS_NOTABLE_KEEPALIVE_DEAD] = KEEPALIVE_DEAD, [TCPS_NOTABLE_DATA_LOST] = RST_DATA_LOST,
    [TCPS_NOTABLE_TFO_IGNORED] = OPEN_TFO_IGNORED,  [TCPS_NOTABLE_FIN_AHEAD] = FIN_OUT_OF_ORDER,
    [TCPS_NOTABLE_DATA_AFTER_RST] = DATA_AFTER_RST,
};

static void say_notables(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    const struct tcps_notables *notables = shown->notables;
    const struct tcps_segment *segment = &shown->layer->segment;
    unsigned client = shown->view.client_end;

    for (unsigned what = 0; what < TCPS_NOTABLE_COUNT; what++) {
        enum expert expert = expert_of_notable[what];

        if (!tcps_is_notable(notables, what, segment->at)) continue;
        if (what == TCPS_NOTABLE_DATA_LOST)
            expert_add_info_format(pinfo, item, &ei[expert], "%s: octets of the client %u, of the server %u",
                                   summaries[expert], notables->lost[client], notables->lost[!client]);
        else
            expert_add_info_format(pinfo, item, &ei[expert], "%s, from the %s", summaries[expert],
                                   tcps_role_name(segment->from, client));
    }
}

bool tcpstate_expert_wanted(const packet_info *pinfo)
{
    static int tap = -1;

    if (tap < 0) tap = find_tap_id("expert");
    return have_tap_listener(tap) || (pinfo->cinfo && pinfo->cinfo->col_first[COL_EXPERT] >= 0);
}

static void say_what_is_logged(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    for (uint32_t i = 0; i < shown->view.entries; i++) apply_rules(pinfo, item, shown, shown->view.first_entry + i);
    say_opening(pinfo, item, shown);
    say_closing(pinfo, item, shown);
    say_syn_data(pinfo, item, shown);
}

/* The expert dialog groups by protocol: the post-dissector, which belongs to none, names the plugin's. */
void tcpstate_expert_add(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown)
{
    const char *outer = pinfo->current_proto;

    pinfo->current_proto = "TCP State";
    if (shown->notables) say_notables(pinfo, item, shown);
    if (shown->view.entries) say_what_is_logged(pinfo, item, shown);
    pinfo->current_proto = outer;
}

void tcpstate_expert_register(int proto)
{
    static ei_register_info registered[] = {
#define X(id, name, group, severity, summary)                                                                          \
    {&ei[id], {"tcpstate." name, PI_##group, PI_##severity, summary, EXPFILL}},
        EXPERTS(X)
#undef X
    };
    static const expert_field fresh = EI_INIT;

    for (unsigned i = 0; i < EXPERT_COUNT; i++) ei[i] = fresh;
    expert_register_field_array(expert_register_protocol(proto), registered, G_N_ELEMENTS(registered));
}
