/* What to say of a packet with RST: was it acceptable, and what was the cause? Read from states and reasons only.
 * Look next: reset.c, which judged it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_RESET_WORDS_H
#define TCPS_RESET_WORDS_H

#include "conn.h"
#include "explain.h"

/* X(name, what it means) */
#define TCPS_RST_VALIDITIES(X)                                                                                         \
    X(none, "")                                                                                                        \
    X(exact, "SEG.SEQ, or in SYN_SENT the ACK, is what the receiver expects: it closes")                               \
    X(in_window, "in the window, not exact: answered with a challenge ACK")                                            \
    X(out_of_window, "outside the window: ignored")                                                                    \
    X(not_for_syn, "does not acknowledge the SYN: ignored")                                                            \
    X(repeated, "the receiver was closed before")                                                                      \
    X(copy, "the same packet captured twice")                                                                          \
    X(malformed, "no TCP sends such a header")

/* X(name, what it means) */
#define TCPS_RST_CAUSES(X)                                                                                             \
    X(none, "")                                                                                                        \
    X(refused, "answers a SYN: nothing listens")                                                                       \
    X(abandoned, "its sender gives up its own opening, or only scanned")                                               \
    X(half_open, "rejects a segment of a connection that its sender does not have")                                    \
    X(handshake_failed, "a server ends a half-open connection")                                                        \
    X(abort, "its sender was open and had not sent a FIN")                                                             \
    X(data_after_close, "its sender had closed, its peer had not")                                                     \
    X(after_close, "both had closed")

enum tcps_rst_validity {
#define X(name, meaning) TCPS_VALIDITY_##name,
    TCPS_RST_VALIDITIES(X)
#undef X
};

enum tcps_rst_cause {
#define X(name, meaning) TCPS_CAUSE_##name,
    TCPS_RST_CAUSES(X)
#undef X
        TCPS_CAUSE_COUNT
};

const char *tcps_rst_validity_name(unsigned validity);
const char *tcps_rst_cause_name(unsigned cause);

/* Both are "none" where nothing can be said; a copy has no cause of its own. `sender` is the end that sent the RST. */
enum tcps_rst_validity tcps_rst_validity_of(const struct tcps_conn *conn, const struct tcps_view *view,
                                            unsigned sender);
enum tcps_rst_cause tcps_rst_cause_of(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender);

#endif
