/* The core alone, fed a long connection in which nothing changes: core_cost SEGMENTS [unfed].
 * Two runs under cachegrind, the other of them with the segments made but not fed, subtracted and divided, give the
 * core's instructions per segment, its call included. Knows no Wireshark. Look next: plugin/core/flow.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/flow.h"

enum { CLIENT_ISN = 1000, SERVER_ISN = 5000, PAYLOAD = 100 };

static void *resize(void *context, void *old, size_t old_bytes, size_t bytes)
{
    (void)context;
    (void)old_bytes;
    return realloc(old, bytes);
}

static const struct tcps_memory memory = {.resize = resize};

/* A segment as a Linux host sends it, with time stamps. */
static struct tcps_segment segment(uint32_t frame, unsigned from, unsigned flags, uint32_t seq, uint32_t ack,
                                   uint32_t len)
{
    return (struct tcps_segment){.time = frame * INT64_C(1000000),
                                 .at = {.frame = frame},
                                 .seq = seq,
                                 .ack = ack,
                                 .len = len,
                                 .tsval = frame,
                                 .wnd = 502,
                                 .flags = (uint16_t)flags,
                                 .from = (uint8_t)from,
                                 .wscale = flags & TCPS_SYN ? 7 : TCPS_NO_WSCALE,
                                 .has_ts = true};
}

int main(int count, char **arguments)
{
    uint32_t segments = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 1000;
    bool unfed = count > 2;
    struct tcps_flow flow = {.first.ports = {40000, 80}};
    uint32_t sent = CLIENT_ISN + 1, changed = 0;
    struct tcps_segment handshake[] = {
        segment(1, 0, TCPS_SYN, CLIENT_ISN, 0, 0),
        segment(2, 1, TCPS_SYN | TCPS_ACK, SERVER_ISN, CLIENT_ISN + 1, 0),
        segment(3, 0, TCPS_ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 0),
        segment(4, 1, TCPS_ACK, SERVER_ISN + 1, CLIENT_ISN + 1, 0),
    };

    for (unsigned i = 0; i < 4; i++) tcps_flow_feed(&flow, &memory, &handshake[i]);
    /* The client sends, the server acknowledges. The first of each proves what the handshake left presumed. */
    for (uint32_t frame = 5; frame < 7 + segments; frame++) {
        struct tcps_segment next = frame & 1 ? segment(frame, 0, TCPS_PSH | TCPS_ACK, sent, SERVER_ISN + 1, PAYLOAD)
                                             : segment(frame, 1, TCPS_ACK, SERVER_ISN + 1, sent, 0);

        if (frame & 1) sent += PAYLOAD;
        if (unfed && frame > 6)
            __asm__ volatile("" : : "r"(&next) : "memory"); /* else no segment would be made */
        else
            tcps_flow_feed(&flow, &memory, &next);
        if (frame == 6) changed = flow.first.log.count;
    }
    if (flow.first.log.count != changed || flow.first.end[0].state != TCPS_ESTABLISHED ||
        flow.first.end[1].state != TCPS_ESTABLISHED) {
        fprintf(stderr, "core_cost: something changed; this measures another thing\n");
        return 1;
    }
    return 0;
}
