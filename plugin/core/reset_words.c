/* What to say of a packet with RST. See reset_words.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reset_words.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *tcps_rst_validity_name(unsigned validity)
{
    static const char *const names[] = {
#define X(name, meaning) #name,
        TCPS_RST_VALIDITIES(X)
#undef X
    };

    return validity > 0 && validity < COUNT(names) ? names[validity] : "";
}

const char *tcps_rst_cause_name(unsigned cause)
{
    static const char *const names[] = {
#define X(name, meaning) #name,
        TCPS_RST_CAUSES(X)
#undef X
    };

    return cause > 0 && cause < COUNT(names) ? names[cause] : "";
}

/* What a reason, given at a packet with RST, says about the RST. */
static enum tcps_rst_validity validity_by_reason(unsigned why)
{
    switch (why) {
    case TCPS_WHY_RST_TAKEN:
    case TCPS_WHY_REFUSED:
    case TCPS_WHY_BACK_TO_LISTEN: return TCPS_VALIDITY_exact;
    case TCPS_WHY_RST_IN_WINDOW: return TCPS_VALIDITY_in_window;
    case TCPS_WHY_RST_OUTSIDE: return TCPS_VALIDITY_out_of_window;
    case TCPS_WHY_RST_NOT_FOR_SYN: return TCPS_VALIDITY_not_for_syn;
    case TCPS_WHY_RST_REPEATED: return TCPS_VALIDITY_repeated;
    case TCPS_WHY_COPY: return TCPS_VALIDITY_copy;
    case TCPS_WHY_MALFORMED: return TCPS_VALIDITY_malformed;
    default: return TCPS_VALIDITY_none;
    }
}

enum tcps_rst_validity tcps_rst_validity_of(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender)
{
    enum tcps_rst_validity validity = TCPS_VALIDITY_none;
    struct tcps_event event;

    for (unsigned i = 0; validity == TCPS_VALIDITY_none && tcps_event_at(conn, view, sender, i, &event); i++)
        validity = validity_by_reason(event.why);
    return validity;
}

static bool has_reason(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender, unsigned why)
{
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(conn, view, sender, i, &event); i++)
        if (event.why == why) return true;
    return false;
}

/* The state in which the sender sent the RST, which may itself tell more of it: that it had received a FIN, or had not.
 */
static unsigned state_of_sender(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender)
{
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(conn, view, sender, i, &event); i++)
        if (event.end == sender && event.why == TCPS_WHY_RST_SENT) return event.from;
    return view->before[sender];
}

enum tcps_rst_cause tcps_rst_cause_of(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender)
{
    if (has_reason(conn, view, sender, TCPS_WHY_COPY)) return TCPS_CAUSE_none;
    if (has_reason(conn, view, sender, TCPS_WHY_NOT_LISTENING) || has_reason(conn, view, sender, TCPS_WHY_REFUSED))
        return TCPS_CAUSE_refused;
    if (has_reason(conn, view, sender, TCPS_WHY_RST_KEEPS_SENDER)) return TCPS_CAUSE_half_open;
    switch (state_of_sender(conn, view, sender)) {
    case TCPS_LISTEN: return view->before[!sender] == TCPS_SYN_SENT ? TCPS_CAUSE_refused : TCPS_CAUSE_half_open;
    case TCPS_SYN_SENT: return TCPS_CAUSE_abandoned;
    case TCPS_SYN_RECEIVED: return TCPS_CAUSE_handshake_failed;
    case TCPS_ESTABLISHED:
    case TCPS_CLOSE_WAIT: return view->before[!sender] == TCPS_SYN_RECEIVED ? TCPS_CAUSE_abandoned : TCPS_CAUSE_abort;
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2: return TCPS_CAUSE_data_after_close;
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
    case TCPS_CLOSED: return TCPS_CAUSE_after_close;
    default: return TCPS_CAUSE_none;
    }
}
