/* From the lines of a story to raw segments. See story_teller.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story_teller.h"

enum {
    USUAL_STEP = 10 * 1000000, /* nanoseconds from packet to packet */
    COPY_STEP = 20 * 1000,     /* and from a packet to its copy from the other port of the switch */
};

static const int64_t CAPTURE_BEGINS = INT64_C(1700000000) * 1000000000;

void story_teller_open(struct story_teller *teller, const struct story *story, const uint32_t iss[2], uint8_t c_end)
{
    *teller = (struct story_teller){.story = story,
                                    .iss = {iss[0], iss[1]},
                                    .c_end = c_end,
                                    .time = CAPTURE_BEGINS - USUAL_STEP,
                                    .begin = CAPTURE_BEGINS,
                                    .next_id = {100, 40000},
                                    .sent = g_array_new(FALSE, FALSE, sizeof(struct tcps_segment))};
}

void story_teller_close(struct story_teller *teller)
{
    g_array_free(teller->sent, TRUE);
}

/* A number that depends on all that a TCP checksum covers. */
static uint16_t checksum_of(const struct tcps_segment *seg)
{
    const uint32_t parts[] = {seg->seq, seg->ack, seg->len, seg->tsval, seg->wnd, seg->flags, seg->from, seg->has_ts};
    uint32_t sum = 2166136261u;

    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) sum = (sum ^ parts[i]) * 16777619u;
    return (uint16_t)(sum >> 16 ^ sum);
}

static bool same_numbers(const struct tcps_segment *a, const struct tcps_segment *b)
{
    return a->from == b->from && a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->len == b->len;
}

/* The packet captured before of which `seg` is a copy. */
static const struct tcps_segment *original_of(const struct story_teller *teller, const struct tcps_segment *seg)
{
    for (guint i = teller->sent->len; i-- > 0;) {
        const struct tcps_segment *sent = &g_array_index(teller->sent, struct tcps_segment, i);

        if (same_numbers(sent, seg)) return sent;
    }
    return NULL;
}

static void advance_time(struct story_teller *teller, const struct story_line *line)
{
    if (line->time_is_set && line->time_is_absolute)
        teller->time = teller->begin + line->seg.time;
    else
        teller->time += line->time_is_set ? line->seg.time : line->copy ? COPY_STEP : USUAL_STEP;
}

static struct tcps_segment raw_segment(struct story_teller *teller, const struct story_line *line)
{
    struct tcps_segment seg = line->seg;
    uint8_t side = line->seg.from;
    const struct tcps_segment *original;

    advance_time(teller, line);
    seg.time = teller->time;
    seg.from = side ^ teller->c_end;
    seg.seq += teller->iss[side];
    if (seg.flags & TCPS_ACK) seg.ack += teller->iss[!side];
    if (!line->id_is_set) seg.ip_id = teller->next_id[side]++;
    seg.checksum = checksum_of(&seg);
    original = line->copy ? original_of(teller, &seg) : NULL;
    if (line->copy && !original) g_error("%s:%u: a copy of what?", teller->story->file, line->number);
    if (original) {
        seg.ip_id = original->ip_id;
        seg.checksum = original->checksum;
        seg.wnd = original->wnd;
    }
    return seg;
}

bool story_teller_next(struct story_teller *teller, const struct story_line *line, struct tcps_segment *seg)
{
    *seg = raw_segment(teller, line);
    if (!line->captured) return false;
    /* A further layer is in the frame of the packet before it. */
    if (seg->at.layer == 0 || teller->packets == 0) teller->packets++;
    seg->at.frame = teller->packets * STORY_FRAMES_APART;
    g_array_append_val(teller->sent, *seg);
    return true;
}
