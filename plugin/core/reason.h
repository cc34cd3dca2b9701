/* The vocabulary of reasons: why a state changed, or why a segment changed nothing. One list, one place.
 * A reason belongs to one endpoint ("me"); the sentence is filled in from the segment and the connection.
 * Look next: explain.h, which fills it in; conn.c, which gives the reasons.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_REASON_H
#define TCPS_REASON_H

#include <stdbool.h>

/* What a reason does to the endpoint's state. */
enum tcps_reason_kind {
    TCPS_INITIAL,    /* how a connection begins: no transition is announced */
    TCPS_TRANSITION, /* a new state, proven or presumed */
    TCPS_CORRECTION, /* a presumption is taken back */
    TCPS_VERDICT,    /* the segment changed nothing: here is why */
};

/* X(name, kind, sentence). In a sentence: {me} {peer} the two roles; {seq} {ack} SEG.SEQ and SEG.ACK; {end} the number
 * after the segment's data, which is that of its FIN; {acked} the last number acknowledged; {prior} the number before
 * SEG.SEQ; {since} the frame where my state before this was entered. All come from the segment itself and from what
 * stands before it in the log, so that a sentence is the same in every pass. Numbers are relative to the ISS, as
 * Wireshark shows them. At most 64 rows: the log stores them in six bits. */
#define TCPS_REASONS(X)                                                                                                \
    X(NONE, TCPS_VERDICT, "")                                                                                          \
    X(NOT_OPEN_YET, TCPS_INITIAL, "the {me} is about to send its first SYN")                                           \
    X(ADDRESSED, TCPS_INITIAL, "the {peer}'s SYN is addressed to the {me}, which is assumed to listen")                \
    X(MIDSTREAM, TCPS_INITIAL, "the capture starts inside the connection: the {me} is assumed to be open")             \
    X(CARRIED_OVER, TCPS_INITIAL, "the {me} is still in the old connection on these addresses and ports")              \
    X(SYN_SENT, TCPS_TRANSITION, "the {me} sends its SYN")                                                             \
    X(SYN_PROVEN, TCPS_TRANSITION, "the answer proves the {me}'s SYN before it to open a new connection")              \
    X(SYN_IMPLIED, TCPS_TRANSITION, "what follows implies the {me}'s SYN, which was not captured before")              \
    X(SYN_ANSWERED, TCPS_TRANSITION, "SYN,ACK {ack} covers the {peer}'s SYN")                                          \
    X(SYN_TAKEN, TCPS_TRANSITION, "the {me}'s ACK {ack} covers the {peer}'s SYN")                                      \
    X(SYN_ACKED, TCPS_TRANSITION, "ACK {ack} covers the {me}'s SYN and is presumed to arrive")                         \
    X(SYNCHRONIZED, TCPS_TRANSITION, "the {me} sends as only a synchronized endpoint does")                            \
    X(PROVEN, TCPS_VERDICT, "the {me}'s own segment proves what was presumed")                                         \
    X(FIN_SENT, TCPS_TRANSITION, "the {me} sends FIN {end}")                                                           \
    X(FIN_TAKEN, TCPS_TRANSITION, "the {me}'s ACK {ack} covers the {peer}'s FIN at {acked}")                           \
    X(FIN_ACKED, TCPS_TRANSITION, "ACK {ack} covers the {me}'s FIN at {acked} and is presumed to arrive")              \
    X(FIN_CROSSED, TCPS_TRANSITION,                                                                                    \
      "SEG.SEQ {seq} is past the {peer}'s FIN at {prior}, which is presumed to have come first")                       \
    X(FIN_UNSEEN, TCPS_TRANSITION, "the {peer}'s FIN at {acked} was not captured, but its acknowledgement implies it") \
    X(IMPLIED, TCPS_TRANSITION, "what the {peer} sends implies it, though the packets for it were not captured")       \
    X(FIN_BELIEVED, TCPS_TRANSITION, "what the {peer} sends shows that the {me}'s doubtful FIN was good")              \
    X(RST_TAKEN, TCPS_TRANSITION, "RST {seq} is what the {me} waits for and is presumed to arrive")                    \
    X(RST_SENT, TCPS_TRANSITION, "the {me} sends a RST")                                                               \
    X(RST_OF_FIN_TAKER, TCPS_TRANSITION, "the RST's ACK {ack} covers the {peer}'s FIN at {acked}")                     \
    X(REFUSED, TCPS_TRANSITION, "RST,ACK {ack} refuses the {me}'s SYN")                                                \
    X(NOT_LISTENING, TCPS_TRANSITION, "the {me} refuses the SYN: nothing listens there")                               \
    X(BACK_TO_LISTEN, TCPS_TRANSITION, "RST {seq} ends the {me}'s half-open connection")                               \
    X(SYNACK_AGAIN, TCPS_CORRECTION, "the {me} sends its SYN,ACK again: the third ACK did not arrive")                 \
    X(FIN_AGAIN, TCPS_CORRECTION, "the {me} sends its FIN again: the acknowledgement did not arrive")                  \
    X(SYN_AFTER_RST, TCPS_CORRECTION, "the {me} sends its SYN again: the RST of frame {since} did not close it")       \
    X(ALIVE_AFTER_RST, TCPS_CORRECTION, "the {me} sends on: the RST of frame {since} has not closed it")               \
    X(SENT_BEFORE_RST, TCPS_CORRECTION, "the {me} sent this before the RST of frame {since} reached it")               \
    X(FIN_NOT_TAKEN, TCPS_CORRECTION, "the {me} resets: what the {peer} sent last had not reached it after all")       \
    X(FIN_DISPROVED, TCPS_CORRECTION, "ACK {ack} covers data beyond that FIN: it was not real")                        \
    X(FIN_CAME_FIRST, TCPS_CORRECTION, "the {me}'s FIN was sent before the {peer}'s FIN came: its ACK {ack} says so")  \
    X(FIN_NOT_AS_ASSUMED, TCPS_CORRECTION, "a FIN captured late is not where the missing one was assumed to be")       \
    X(ROLES_SWAPPED, TCPS_CORRECTION, "the handshake shows who is client: the roles were guessed wrong")               \
    X(SYN_REPEATED, TCPS_VERDICT, "the {me} sends its SYN again")                                                      \
    X(SYNACK_REPEATED, TCPS_VERDICT, "the {me} sends its SYN,ACK again")                                               \
    X(FIN_REPEATED, TCPS_VERDICT, "the {me} sends its FIN again")                                                      \
    X(COPY, TCPS_VERDICT, "the same packet captured twice: the copy counts for nothing")                               \
    X(RST_IN_WINDOW, TCPS_VERDICT, "RST {seq} is in the window but not exact: the {me} answers with a challenge ACK")  \
    X(RST_OUTSIDE, TCPS_VERDICT, "RST {seq} is outside the window: the {me} ignores it")                               \
    X(RST_NOT_FOR_SYN, TCPS_VERDICT, "the RST does not acknowledge the {me}'s SYN: it is ignored")                     \
    X(RST_KEEPS_SENDER, TCPS_VERDICT, "the {me} rejects a segment of another connection with RST and stays as it is")  \
    X(RST_REPEATED, TCPS_VERDICT, "the {me} was closed before this RST")                                               \
    X(CHALLENGE_ACK, TCPS_VERDICT, "the {me} answers with a challenge ACK (RFC 5961)")                                 \
    X(MALFORMED, TCPS_VERDICT, "flags or header that no TCP sends: they prove nothing")                                \
    X(IMPLAUSIBLE, TCPS_VERDICT, "numbers far from all that is known: the segment proves nothing")                     \
    X(OUTSIDE_WINDOW, TCPS_VERDICT, "SEG.SEQ {seq} is outside the {peer}'s window: the segment proves nothing yet")    \
    X(ACKS_UNSENT, TCPS_VERDICT,                                                                                       \
      "ACK {ack} covers what the {peer} was not seen to send: the segment proves nothing yet")                         \
    X(NO_ACK_FLAG, TCPS_VERDICT, "a segment without ACK, SYN or RST is dropped by its receiver")                       \
    X(ACKS_OLD, TCPS_VERDICT, "ACK {ack} is older than any window of the {peer}: the FIN is dropped (RFC 5961 5)")     \
    X(EARLY_DATA, TCPS_VERDICT, "data that acknowledges the SYN's data, before any SYN,ACK: Fast Open")                \
    X(OLD_TIMESTAMP, TCPS_VERDICT, "the FIN's time stamp is older than what the {peer} had: it is dropped (PAWS)")     \
    X(FIN_ELSEWHERE, TCPS_VERDICT, "a FIN at {seq}, which contradicts what is known: it is ignored")                   \
    X(ACKS_BEYOND_FIN, TCPS_VERDICT, "ACK {ack} is beyond the {peer}'s FIN: the segment proves nothing")               \
    X(DATA_BEYOND_FIN, TCPS_VERDICT, "the {me} sends data beyond its own FIN")                                         \
    X(SYN_INSIDE, TCPS_VERDICT, "a SYN inside the connection: a challenge ACK is expected, nothing changes yet")       \
    X(SYNACK_INSIDE, TCPS_VERDICT, "a SYN,ACK inside the connection: an old copy, nothing changes")                    \
    X(SYNACK_WRONG_ACK, TCPS_VERDICT, "SYN,ACK {ack} does not acknowledge the {peer}'s SYN: it is for another life")   \
    X(SYNACK_CHANGED, TCPS_VERDICT, "another SYN,ACK with another number: the ACK will tell which one counts")         \
    X(ACK_FOR_SYN, TCPS_VERDICT, "the SYN is answered by a bare ACK: the {me} may be in an old life")                  \
    X(UNREACHABLE, TCPS_VERDICT, "an ICMP error says that the {me}'s segment could not be delivered")                  \
    X(LOG_FULL, TCPS_CORRECTION, "more changes on this connection than are kept: later states are not tracked")

enum tcps_reason {
#define X(name, kind, sentence) TCPS_WHY_##name,
    TCPS_REASONS(X)
#undef X
        TCPS_REASON_COUNT
};

/* What the reason does. A number out of range is a TCPS_VERDICT. */
enum tcps_reason_kind tcps_reason_kind(unsigned reason);

/* The sentence with its placeholders. Static; "" for TCPS_WHY_NONE or a number out of range. */
const char *tcps_reason_sentence(unsigned reason);

/* The name as a C identifier without prefix: "FIN_ACKED". Static. */
const char *tcps_reason_name(unsigned reason);

#endif
