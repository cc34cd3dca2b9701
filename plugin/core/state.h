/* The vocabulary of states: the eleven of RFC 9293 3.3.2 and UNKNOWN, in one list.
 * Names, enum and explanations come from the list; nothing else in the project spells a state.
 * Look next: endpoint.h, where a state is computed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_STATE_H
#define TCPS_STATE_H

/* X(name, what it means) */
#define TCPS_STATES(X)                                                                                                 \
    X(UNKNOWN, "nothing captured tells")                                                                               \
    X(CLOSED, "no connection")                                                                                         \
    X(LISTEN, "waits for a SYN from any peer")                                                                         \
    X(SYN_SENT, "sent SYN, waits for the peer's")                                                                      \
    X(SYN_RECEIVED, "sent SYN and received the peer's; waits for the ACK of its own")                                  \
    X(ESTABLISHED, "open, data flows both ways")                                                                       \
    X(FIN_WAIT_1, "sent FIN first; waits for its ACK or for the peer's FIN")                                           \
    X(FIN_WAIT_2, "its FIN is acknowledged; waits for the peer's FIN")                                                 \
    X(CLOSE_WAIT, "received the peer's FIN; its own application has not closed")                                       \
    X(CLOSING, "both sent FIN; has the peer's, waits for the ACK of its own")                                          \
    X(LAST_ACK, "sent FIN after the peer's; waits for its ACK")                                                        \
    X(TIME_WAIT, "both FINs acknowledged; lets old segments die (2 MSL)")

enum tcps_state {
#define X(name, meaning) TCPS_##name,
    TCPS_STATES(X)
#undef X
        TCPS_STATE_COUNT
};

/* How a state is known (docs/inference.md). X(name, what it means) */
#define TCPS_BASES(X)                                                                                                  \
    X(none, "nothing is known")                                                                                        \
    X(observed, "a segment of the endpoint's own proves it")                                                           \
    X(presumed, "the peer's segment is taken to have arrived")                                                         \
    X(assumed, "packets are missing, or none could show it")

enum tcps_basis {
#define X(name, meaning) TCPS_BASIS_##name,
    TCPS_BASES(X)
#undef X
};

/* The name as RFC 9293 spells it, with underscores: "FIN_WAIT_1". Static; "UNKNOWN" for a number out of range. */
const char *tcps_state_name(unsigned state);

/* One line on what the state means. Static; that of UNKNOWN for a number out of range. */
const char *tcps_state_meaning(unsigned state);

/* "observed", "presumed", "assumed", or "none". Static. */
const char *tcps_basis_name(unsigned basis);

#endif
