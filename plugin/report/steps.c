/* Keeping the segments of one stream, folded, and what each of them says. See steps.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steps.h"

#include "core/explain.h"
#include "core/seq.h"

/* Of a run of plain segments so many are kept singly at each end. */
enum { KEPT_SINGLY = 3 };

void tcpstate_steps_init(struct tcpstate_steps *steps, uint32_t stream)
{
    *steps = (struct tcpstate_steps){
        .stream = stream,
        .steps = g_array_new(FALSE, FALSE, sizeof(struct tcpstate_step)),
    };
}

void tcpstate_steps_clear(struct tcpstate_steps *steps)
{
    g_array_unref(steps->steps);
}

static struct tcpstate_step *step_at(const struct tcpstate_steps *steps, guint index)
{
    return &g_array_index(steps->steps, struct tcpstate_step, index);
}

/* Did the core put the segment aside? Then its numbers say nothing of what comes. */
static bool is_put_aside(const struct tcpstate_tap *tap)
{
    for (uint32_t i = 0; i < tap->view.entries; i++) {
        unsigned why = tcps_entry_why(&tap->conn->log.entries[tap->view.first_entry + i], tap->segment.from & 1);

        if (tcps_reason_kind(why) == TCPS_VERDICT && why != TCPS_WHY_PROVEN) return true;
    }
    return false;
}

/* The core knows copies of what changes a state; this one tells those of data. No retransmission comes that soon. Of a
 * pure ACK nobody can tell: a duplicate ACK has the same octets, comes as soon, and differs only in the IP
 * identification, which is not read for what changes no state. */
static bool is_copy(const struct tcps_segment *segment, const struct tcps_segment *last)
{
    return segment->time - last->time < TCPS_COPY_WITHIN && segment->seq == last->seq && segment->ack == last->ack &&
           segment->len == last->len && segment->flags == last->flags && segment->checksum == last->checksum;
}

/* Keeps what is the highest number seen, and so tells new from old. */
static void follow(struct tcpstate_steps *steps, struct tcpstate_step *step, bool put_aside)
{
    const struct tcps_segment *segment = &step->segment;
    unsigned from = segment->from & 1;
    uint32_t space = tcps_segment_space(segment), end = segment->seq + space;
    bool old = steps->has_next[from] && seq_leq(end, steps->next[from]);

    if (segment->flags & TCPS_RST) return;
    step->keep_alive = steps->has_next[from] && segment->len <= 1 && segment->seq == steps->next[from] - 1 &&
                       !(segment->flags & (TCPS_SYN | TCPS_FIN));
    step->copies = space && old && is_copy(segment, &steps->last[from]);
    step->again = space && old && !step->keep_alive && !step->copies;
    /* In a simultaneous open the SYN,ACK has the number of the SYN, but says something new. */
    if ((segment->flags & TCPS_SYN) && (segment->flags & TCPS_ACK)) {
        if (!steps->has_synack[from]) step->again = 0;
        steps->has_synack[from] = true;
    }
    if (space) steps->last[from] = *segment;
    if (old || (put_aside && steps->has_next[from])) return;
    steps->next[from] = end;
    steps->has_next[from] = true;
}

static bool is_plain(const struct tcpstate_step *step, const struct tcpstate_tap *tap)
{
    return tap->view.entries == 0 && !(step->segment.flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) && !step->quoted;
}

static void merge(struct tcpstate_steps *steps, guint into, guint from)
{
    struct tcpstate_step *run = step_at(steps, into);
    const struct tcpstate_step *step = step_at(steps, from);

    run->segments += step->segments;
    run->again += step->again;
    run->copies += step->copies;
    for (unsigned end = 0; end < 2; end++) run->octets[end] += step->octets[end];
    g_array_remove_index(steps->steps, from);
}

void tcpstate_steps_add(struct tcpstate_steps *steps, const struct tcpstate_tap *tap)
{
    struct tcpstate_step step = {.segment = tap->segment, .conn = tap->conn, .segments = 1, .quoted = tap->quoted};

    if (steps->conn != tap->conn) {
        steps->conn = tap->conn;
        steps->run = steps->steps->len;
        steps->has_next[0] = steps->has_next[1] = steps->has_synack[0] = steps->has_synack[1] = false;
    }
    if (!step.quoted) {
        follow(steps, &step, is_put_aside(tap));
        step.octets[step.segment.from & 1] = step.segment.len;
    }
    if (!is_plain(&step, tap)) {
        if (steps->steps->len >= TCPSTATE_STEP_LIMIT) {
            steps->left_out++;
            return;
        }
        g_array_append_val(steps->steps, step);
        steps->run = steps->steps->len;
        return;
    }
    if (steps->steps->len - steps->run > 2 * KEPT_SINGLY)
        merge(steps, steps->run + KEPT_SINGLY, steps->run + KEPT_SINGLY + 1);
    g_array_append_val(steps->steps, step);
}

/* ---- what a step says ----------------------------------------------------------------------------------------- */

uint32_t tcpstate_step_seq(const struct tcpstate_step *step)
{
    return tcps_relative_seq(step->conn, step->segment.from & 1, step->segment.seq, step->segment.at);
}

uint32_t tcpstate_step_ack(const struct tcpstate_step *step)
{
    return tcps_relative_seq(step->conn, !(step->segment.from & 1), step->segment.ack, step->segment.at);
}

static bool has_reason(const struct tcpstate_step *step, const struct tcps_view *view, enum tcps_reason why)
{
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(step->conn, view, step->segment.from & 1, i, &event); i++)
        if (event.why == why) return true;
    return false;
}

const char *tcpstate_step_remark(const struct tcpstate_step *step, const struct tcps_view *view)
{
    if (step->copies || has_reason(step, view, TCPS_WHY_COPY)) return "copy";
    if (step->keep_alive) return "keep-alive";
    return step->again ? "again" : "";
}

void tcpstate_flags_text(unsigned flags, char *text, size_t size)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {TCPS_SYN, "SYN"}, {TCPS_FIN, "FIN"}, {TCPS_RST, "RST"}, {TCPS_PSH, "PSH"}, {TCPS_ACK, "ACK"},
    };

    text[0] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!(flags & names[i].bit)) continue;
        if (*text) g_strlcat(text, ",", size);
        g_strlcat(text, names[i].name, size);
    }
    if (!*text) g_strlcpy(text, "no flags", size);
}
