/* The fields tcpstate.*, and the subtree "TCP State". See fields.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/exchange.h"
#include "core/explain.h"
#include "core/reset_words.h"

/* X(id, title, filter name after "tcpstate.", type, display or kind of mark, description).
 * A frame number with a mark draws it beside that frame in the packet list. */
#define FIELDS(X)                                                                                                      \
    X(CLIENT, "Client", "client", STRING, NONE, "State of the client after this packet, as RFC 9293 names it.")        \
    X(CLIENT_BEFORE, "Before", "client.before", STRING, NONE, "State of the client before this packet.")               \
    X(CLIENT_BASIS, "Basis", "client.basis", STRING, NONE,                                                             \
      "How the client's state is known: observed, presumed or assumed.")                                               \
    X(CLIENT_SINCE, "Since", "client.since", FRAMENUM, NONE, "The frame in which the client entered its state.")       \
    X(CLIENT_TIME, "Time in state", "client.time_in_state", RELATIVE_TIME, NONE,                                       \
      "How long the client has been in its state at this packet.")                                                     \
    X(SERVER, "Server", "server", STRING, NONE, "State of the server after this packet, as RFC 9293 names it.")        \
    X(SERVER_BEFORE, "Before", "server.before", STRING, NONE, "State of the server before this packet.")               \
    X(SERVER_BASIS, "Basis", "server.basis", STRING, NONE,                                                             \
      "How the server's state is known: observed, presumed or assumed.")                                               \
    X(SERVER_SINCE, "Since", "server.since", FRAMENUM, NONE, "The frame in which the server entered its state.")       \
    X(SERVER_TIME, "Time in state", "server.time_in_state", RELATIVE_TIME, NONE,                                       \
      "How long the server has been in its state at this packet.")                                                     \
    X(PAIR, "Both", "pair", STRING, NONE, "The states of client and server in one word, the client's first.")          \
    X(TRANSITION, "Transition", "transition", STRING, NONE,                                                            \
      "A state that this packet takes an endpoint to, in causal order.")                                               \
    X(REASON, "Reason", "reason", STRING, NONE, "Why a state changed, or why the packet changed none.")                \
    X(CORRECTED, "Corrected", "corrected", FRAMENUM, NONE,                                                             \
      "The frame after which a state was presumed that this packet disproves.")                                        \
    X(SENDER, "Sender", "sender", STRING, NONE, "Who sent this packet: the client or the server.")                     \
    X(ROLE_BASIS, "Roles by", "role_basis", STRING, NONE, "How it was decided which endpoint is the client.")          \
    X(INCARNATION, "Incarnation", "incarnation", UINT32, DEC,                                                          \
      "1 for the first connection on these addresses and ports, 2 for the next.")                                      \
    X(OPEN_KIND, "Opening", "open.kind", STRING, NONE, "The kind of opening handshake.")                               \
    X(OPEN_STATUS, "Status", "open.status", STRING, NONE, "How far the opening has come by this packet.")              \
    X(OPEN_SYN, "SYN", "open.syn", FRAMENUM, REQUEST, "The frame of the first SYN.")                                   \
    X(OPEN_SYNACK, "SYN,ACK", "open.synack", FRAMENUM, RESPONSE, "The frame of the first SYN,ACK.")                    \
    X(OPEN_ACK, "ACK", "open.ack", FRAMENUM, ACK, "The frame that completed the opening.")                             \
    X(OPEN_TIME, "Time", "open.time", RELATIVE_TIME, NONE,                                                             \
      "Time from the SYN to the frame that completed the opening.")                                                    \
    X(OPEN_TIME_SERVER, "Time SYN to SYN,ACK", "open.time_syn_synack", RELATIVE_TIME, NONE,                            \
      "Time from the SYN to the SYN,ACK: the server's side as seen from the point of capture.")                        \
    X(OPEN_TIME_CLIENT, "Time SYN,ACK to ACK", "open.time_synack_ack", RELATIVE_TIME, NONE,                            \
      "Time from the SYN,ACK to the ACK: the client's side as seen from the point of capture.")                        \
    X(OPEN_SYN_AGAIN, "SYN retransmitted", "open.syn_retransmits", UINT32, DEC, "How often the SYN was sent again.")   \
    X(OPEN_SYNACK_AGAIN, "SYN,ACK retransmitted", "open.synack_retransmits", UINT32, DEC,                              \
      "How often the SYN,ACK was sent again.")                                                                         \
    X(CLOSE_KIND, "Close", "close.kind", STRING, NONE, "The kind of close, as far as it has come by this packet.")     \
    X(CLOSE_INITIATOR, "Initiator", "close.initiator", STRING, NONE, "Who closed first: client, server or both.")      \
    X(CLOSE_FIN1, "First FIN", "close.fin1", FRAMENUM, REQUEST, "The frame of the first FIN.")                         \
    X(CLOSE_ACK1, "Its ACK", "close.ack1", FRAMENUM, ACK, "The frame that acknowledges the first FIN.")                \
    X(CLOSE_FIN2, "Second FIN", "close.fin2", FRAMENUM, RESPONSE, "The frame of the other endpoint's FIN.")            \
    X(CLOSE_ACK2, "Its ACK", "close.ack2", FRAMENUM, ACK, "The frame that acknowledges the second FIN.")               \
    X(CLOSE_TIME, "Time", "close.time", RELATIVE_TIME, NONE, "Time from the first FIN to the last ACK.")               \
    X(CLOSE_HALF_TIME, "Half-closed time", "close.half_closed_time", RELATIVE_TIME, NONE,                              \
      "Time from the first FIN to the second FIN.")                                                                    \
    X(STEP, "Step", "step", STRING, NONE, "Which step of an exchange this packet is.")                                 \
    X(EXCHANGE, "Exchange complete", "exchange", STRING, NONE, "The exchange that this packet completes.")             \
    X(RST_VALIDITY, "RST is", "rst.validity", STRING, NONE, "Whether the receiver of the RST accepts it.")             \
    X(RST_CAUSE, "RST cause", "rst.cause", STRING, NONE, "Why the RST was sent, as the states tell.")                  \
    X(CONN_STATE, "Connection state", "conn_state", STRING, NONE,                                                      \
      "Summary in Zeek's vocabulary, as if the capture ended with this packet.")                                       \
    X(HISTORY, "History", "history", STRING, NONE,                                                                     \
      "First events in Zeek's letters, the client's in upper case, up to this packet.")                                \
    X(FINAL_CLIENT, "Client at the end", "final.client", STRING, NONE,                                                 \
      "State of the client at the end of the capture, known in a second pass and after loading.")                      \
    X(FINAL_SERVER, "Server at the end", "final.server", STRING, NONE,                                                 \
      "State of the server at the end of the capture, known in a second pass and after loading.")

enum field {
#define X(id, title, name, type, display, description) id,
    FIELDS(X)
#undef X
        FIELD_COUNT
};

#define ARROW "\xe2\x86\x92" /* U+2192 */

static int proto_tcpstate;
static int proto_expert = -1; /* expert infos hang on our subtree: who wants these wants that */
static int hf[FIELD_COUNT];
static int ett_layer, ett_client, ett_server, ett_open, ett_close;

/* ---- one field ---- */

/* The tree and what is shown in it. */
struct drawing {
    proto_tree *tree;
    tvbuff_t *tvb;
    const packet_info *pinfo;
    const struct tcpstate_shown *shown;
    const struct tcps_conn *conn;
    const struct tcps_view *view;
    uint32_t entries; /* the log up to and with this packet */
};

static proto_item *generated(proto_item *item)
{
    proto_item_set_generated(item);
    return item;
}

static proto_item *add_string(const struct drawing *to, enum field id, const char *text)
{
    return text[0] ? generated(proto_tree_add_string(to->tree, hf[id], to->tvb, 0, 0, text)) : NULL;
}

static void add_number(const struct drawing *to, enum field id, uint32_t number)
{
    generated(proto_tree_add_uint(to->tree, hf[id], to->tvb, 0, 0, number));
}

static void add_frame(const struct drawing *to, enum field id, uint32_t frame)
{
    if (frame) add_number(to, id, frame);
}

static void add_time(const struct drawing *to, enum field id, int64_t nanoseconds)
{
    nstime_t time = {.secs = (time_t)(nanoseconds / TCPS_SECOND), .nsecs = (int)(nanoseconds % TCPS_SECOND)};

    generated(proto_tree_add_time(to->tree, hf[id], to->tvb, 0, 0, &time));
}

static void add_time_between(const struct drawing *to, enum field id, const struct tcps_moment *from,
                             const struct tcps_moment *until)
{
    if (tcps_was_seen(from) && tcps_was_seen(until)) add_time(to, id, until->time - from->time);
}

/* The same drawing, one level deeper below `item`. */
static struct drawing below(const struct drawing *to, proto_item *item, int ett)
{
    struct drawing deeper = *to;

    deeper.tree = proto_item_add_subtree(item, ett);
    return deeper;
}

/* ---- groups of fields ---- */

static void add_endpoint(const struct drawing *to, unsigned end, enum field first, int ett)
{
    const struct tcps_view *view = to->view;
    proto_item *item = add_string(to, first, tcps_state_name(view->state[end]));
    struct drawing deeper = below(to, item, ett);
    int64_t lasts;

    proto_item_append_text(item, " (%s)", tcps_state_meaning(view->state[end]));
    add_string(&deeper, first + (CLIENT_BEFORE - CLIENT), tcps_state_name(view->before[end]));
    if (view->basis[end] != TCPS_BASIS_none)
        add_string(&deeper, first + (CLIENT_BASIS - CLIENT), tcps_basis_name(view->basis[end]));
    if (!view->since[end] && !view->since_time[end]) return;
    lasts = to->shown->layer->segment.time - view->since_time[end];
    if (view->since[end])
        proto_item_append_text(item, ", for %.3f s since frame %u", (double)lasts / 1e9, view->since[end]);
    add_frame(&deeper, first + (CLIENT_SINCE - CLIENT), view->since[end]);
    add_time(&deeper, first + (CLIENT_TIME - CLIENT), lasts);
}

static void add_endpoints(const struct drawing *to)
{
    const struct tcps_view *view = to->view;
    unsigned client = view->client_end;
    char pair[32];

    add_endpoint(to, client, CLIENT, ett_client);
    add_endpoint(to, !client, SERVER, ett_server);
    snprintf(pair, sizeof pair, "%s:%s", tcps_state_name(view->state[client]), tcps_state_name(view->state[!client]));
    add_string(to, PAIR, pair);
}

/* How every connection begins is not worth a sentence. */
static bool is_usual_beginning(unsigned why)
{
    return why == TCPS_WHY_NOT_OPEN_YET || why == TCPS_WHY_ADDRESSED;
}

static void add_events(const struct drawing *to)
{
    const struct tcps_segment *segment = &to->shown->layer->segment;
    struct tcps_event event;
    char text[256];

    for (unsigned i = 0; tcps_event_at(to->conn, to->view, segment->from, i, &event); i++) {
        if (tcps_event_is_transition(&event)) {
            tcps_event_text(to->conn, to->view, &event, text, sizeof text);
            add_string(to, TRANSITION, text);
        }
        if (is_usual_beginning(event.why)) continue;
        tcps_event_reason(to->conn, to->view, &event, segment, text, sizeof text);
        add_string(to, REASON, text);
        add_frame(to, CORRECTED, event.taken_back);
    }
}

static void add_roles(const struct drawing *to)
{
    if (!to->shown->layer->quoted)
        add_string(to, SENDER, tcps_role_name(to->shown->layer->segment.from, to->view->client_end));
    add_string(to, ROLE_BASIS, tcps_role_basis_name(to->view->role_basis));
    add_number(to, INCARNATION, tcps_incarnation(to->conn));
}

/* ", frames 1, 2, 3": those of an exchange that are there, in case the subtree is closed. */
static void append_frames(proto_item *item, const struct tcps_moment *const *moments, unsigned count)
{
    const char *before = ", frames ";

    for (unsigned i = 0; i < count; i++) {
        if (!moments[i]->frame) continue;
        proto_item_append_text(item, "%s%u", before, moments[i]->frame);
        before = ", ";
    }
}

static void add_opening(const struct drawing *to, const struct tcps_opening *opening)
{
    const struct tcps_moment *const steps[] = {&opening->syn, &opening->synack, &opening->ack};
    struct drawing deeper;
    proto_item *item;

    if (opening->kind == TCPS_OPEN_none) return;
    item = add_string(to, OPEN_KIND, tcps_open_kind_name(opening->kind));
    proto_item_append_text(item, ", %s", tcps_open_status_name(opening->status));
    append_frames(item, steps, G_N_ELEMENTS(steps));
    deeper = below(to, item, ett_open);
    add_string(&deeper, OPEN_STATUS, tcps_open_status_name(opening->status));
    add_frame(&deeper, OPEN_SYN, opening->syn.frame);
    add_frame(&deeper, OPEN_SYNACK, opening->synack.frame);
    add_frame(&deeper, OPEN_ACK, opening->ack.frame);
    add_time_between(&deeper, OPEN_TIME, &opening->syn, &opening->ack);
    add_time_between(&deeper, OPEN_TIME_SERVER, &opening->syn, &opening->synack);
    add_time_between(&deeper, OPEN_TIME_CLIENT, &opening->synack, &opening->ack);
    if (opening->kind == TCPS_OPEN_midstream) return;
    add_number(&deeper, OPEN_SYN_AGAIN, opening->syn_retransmits);
    add_number(&deeper, OPEN_SYNACK_AGAIN, opening->synack_retransmits);
}

static const char *initiator_name(const struct tcps_closing *closing, unsigned client_end)
{
    if (closing->initiator < 0) return "";
    return closing->initiator == 2 ? "both" : tcps_role_name((unsigned)closing->initiator, client_end);
}

static void add_closing(const struct drawing *to, const struct tcps_closing *closing)
{
    const struct tcps_moment *last =
        closing->ack[0].frame > closing->ack[1].frame ? &closing->ack[0] : &closing->ack[1];
    const struct tcps_moment *const steps[] = {&closing->fin[0], &closing->ack[0], &closing->fin[1], &closing->ack[1]};
    const char *initiator = initiator_name(closing, to->view->client_end);
    struct drawing deeper;
    proto_item *item;

    if (closing->kind == TCPS_CLOSE_none) return;
    item = add_string(to, CLOSE_KIND, tcps_close_kind_name(closing->kind));
    if (closing->initiator == 0 || closing->initiator == 1) proto_item_append_text(item, ", %s first", initiator);
    append_frames(item, steps, G_N_ELEMENTS(steps));
    deeper = below(to, item, ett_close);
    add_string(&deeper, CLOSE_INITIATOR, initiator);
    add_frame(&deeper, CLOSE_FIN1, closing->fin[0].frame);
    add_frame(&deeper, CLOSE_ACK1, closing->ack[0].frame);
    add_frame(&deeper, CLOSE_FIN2, closing->fin[1].frame);
    add_frame(&deeper, CLOSE_ACK2, closing->ack[1].frame);
    if (closing->complete) add_time_between(&deeper, CLOSE_TIME, &closing->fin[0], last);
    add_time_between(&deeper, CLOSE_HALF_TIME, &closing->fin[0], &closing->fin[1]);
}

static void add_step(const struct drawing *to, const struct tcps_moment *moment, const char *step)
{
    const struct tcps_segment *segment = &to->shown->layer->segment;
    struct tcps_moment now = {segment->at.frame, segment->time};

    if (tcps_is_same_moment(moment, &now)) add_string(to, STEP, step);
}

static void add_steps(const struct drawing *to, const struct tcps_opening *opening, const struct tcps_closing *closing)
{
    if (opening->kind == TCPS_OPEN_three_way || opening->kind == TCPS_OPEN_fast_open) {
        add_step(to, &opening->syn, "handshake 1/3");
        add_step(to, &opening->synack, "handshake 2/3");
        add_step(to, &opening->ack, "handshake 3/3");
    }
    add_step(to, &closing->fin[0], "close 1/4");
    add_step(to, &closing->ack[0], "close 2/4");
    add_step(to, &closing->fin[1], "close 3/4");
    add_step(to, &closing->ack[1], "close 4/4");
}

static const char *opening_name(enum tcps_open_kind kind)
{
    switch (kind) {
    case TCPS_OPEN_simultaneous: return "simultaneous open";
    case TCPS_OPEN_split: return "split handshake";
    default: return "three-way handshake";
    }
}

/* An exchange is complete at the packet before which it was not. */
static void add_exchanges(const struct drawing *to, const struct tcps_opening *opening,
                          const struct tcps_closing *closing)
{
    struct tcps_opening opening_before;
    struct tcps_closing closing_before;

    if (to->view->entries == 0) return;
    tcps_opening_of(to->conn, to->view->first_entry, &opening_before);
    tcps_closing_of(to->conn, to->view->first_entry, &closing_before);
    if (opening->status == TCPS_STATUS_complete && opening_before.status != TCPS_STATUS_complete)
        add_string(to, EXCHANGE, opening_name(opening->kind));
    if (closing->complete && !closing_before.complete) add_string(to, EXCHANGE, "four-way close");
}

static void add_reset(const struct drawing *to)
{
    const struct tcpstate_layer *layer = to->shown->layer;

    if (layer->quoted || !(layer->segment.flags & TCPS_RST)) return;
    add_string(to, RST_VALIDITY, tcps_rst_validity_name(tcps_rst_validity_of(to->conn, to->view, layer->segment.from)));
    add_string(to, RST_CAUSE, tcps_rst_cause_name(tcps_rst_cause_of(to->conn, to->view, layer->segment.from)));
}

static void add_summary(const struct drawing *to)
{
    char history[64];

    add_string(to, CONN_STATE, tcps_conn_state(to->conn, to->shown->layer->segment.at));
    tcps_history(to->conn, to->shown->layer->segment.at, history, sizeof history);
    add_string(to, HISTORY, history);
    if (!to->pinfo->fd->visited) return;
    add_string(to, FINAL_CLIENT, tcps_state_name(to->conn->end[to->conn->client_end].state));
    add_string(to, FINAL_SERVER, tcps_state_name(to->conn->end[!to->conn->client_end].state));
}

/* ---- the subtree ---- */

/* ", client: ESTABLISHED → FIN_WAIT_1": the way through the states at this packet. An initial state is where the way
 * begins, not a step of it. */
static void append_way(proto_item *item, const struct drawing *to, unsigned end)
{
    struct tcps_event event;
    unsigned state = to->view->entries ? to->view->before[end] : to->view->state[end];
    char way[160];
    int used = 0;

    way[0] = '\0';
    for (unsigned i = 0; tcps_event_at(to->conn, to->view, to->shown->layer->segment.from, i, &event); i++) {
        if (event.end != end || event.from == event.to) continue;
        if (tcps_event_is_transition(&event) && used < (int)sizeof way)
            used += snprintf(way + used, sizeof way - (size_t)used, " " ARROW " %s", tcps_state_name(event.to));
        else if (used == 0)
            state = event.to;
    }
    proto_item_append_text(item, ", %s: %s%s", tcps_role_name(end, to->view->client_end), tcps_state_name(state), way);
}

bool tcpstate_fields_wanted(proto_tree *tree)
{
    if (!tree) return false;
    if (proto_field_is_referenced(tree, proto_tcpstate)) return true;
    return proto_expert >= 0 && proto_field_is_referenced(tree, proto_expert);
}

/* Are fields `first` to `last` of interest? Reading an exchange walks the log, which a filter on states need not pay.
 */
static bool wants(proto_tree *tree, enum field first, enum field last)
{
    for (enum field id = first; id <= last; id++)
        if (proto_field_is_referenced(tree, hf[id])) return true;
    return false;
}

static void add_exchange_fields(const struct drawing *to)
{
    struct tcps_opening opening;
    struct tcps_closing closing;

    if (!wants(to->tree, OPEN_KIND, EXCHANGE)) return;
    tcps_opening_of(to->conn, to->entries, &opening);
    tcps_closing_of(to->conn, to->entries, &closing);
    add_steps(to, &opening, &closing);
    add_exchanges(to, &opening, &closing);
    add_opening(to, &opening);
    add_closing(to, &closing);
}

proto_item *tcpstate_fields_add(proto_tree *tree, tvbuff_t *tvb, const packet_info *pinfo,
                                const struct tcpstate_shown *shown)
{
    proto_item *item = proto_tree_add_protocol_format(tree, proto_tcpstate, tvb, 0, 0, "TCP State");
    struct drawing to = {
        .tree = proto_item_add_subtree(item, ett_layer),
        .tvb = tvb,
        .pinfo = pinfo,
        .shown = shown,
        .conn = shown->conn,
        .view = &shown->view,
        .entries = shown->view.first_entry + shown->view.entries,
    };

    generated(item);
    append_way(item, &to, shown->view.client_end);
    append_way(item, &to, !shown->view.client_end);
    add_endpoints(&to);
    add_events(&to);
    add_roles(&to);
    add_exchange_fields(&to);
    add_reset(&to);
    if (wants(tree, CONN_STATE, FINAL_SERVER)) add_summary(&to);
    return item;
}

/* ---- registration ---- */

/* What FIELDS calls the last column, in Wireshark's terms. */
#define DISPLAY_NONE BASE_NONE
#define DISPLAY_DEC BASE_DEC
#define DISPLAY_REQUEST BASE_NONE
#define DISPLAY_RESPONSE BASE_NONE
#define DISPLAY_ACK BASE_NONE
#define MARK_NONE NULL
#define MARK_DEC NULL
#define MARK_REQUEST FRAMENUM_TYPE(FT_FRAMENUM_REQUEST)
#define MARK_RESPONSE FRAMENUM_TYPE(FT_FRAMENUM_RESPONSE)
#define MARK_ACK FRAMENUM_TYPE(FT_FRAMENUM_ACK)

void tcpstate_fields_register(int proto)
{
    static hf_register_info registered[] = {
#define X(id, title, name, type, display, description)                                                                 \
    {&hf[id], {title, "tcpstate." name, FT_##type, DISPLAY_##display, MARK_##display, 0x0, description, HFILL}},
        FIELDS(X)
#undef X
    };
    static int *ett[] = {&ett_layer, &ett_client, &ett_server, &ett_open, &ett_close};

    proto_tcpstate = proto;
    for (unsigned i = 0; i < FIELD_COUNT; i++) hf[i] = -1;
    for (unsigned i = 0; i < G_N_ELEMENTS(ett); i++) *ett[i] = -1;
    proto_register_field_array(proto, registered, G_N_ELEMENTS(registered));
    proto_register_subtree_array(ett, G_N_ELEMENTS(ett));
}

void tcpstate_fields_start(void)
{
    /* It is registered after all plugins. */
    proto_expert = proto_get_id_by_filter_name("_ws.expert");
}
