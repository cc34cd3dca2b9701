/* The steps of one connection as a table, for programs: a row per segment or folded run, with its numbers, what it is
 * besides its flags, the states after it, its transitions and their reasons. Knows steps and the core's words, not how
 * the picture for people looks. Look next: steps.h, for which segments are rows; ladder_picture.h, for the picture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

#include "core/explain.h"

enum {
    L_STREAM,
    L_INCARNATION,
    L_FRAME,
    L_TIME,
    L_SENDER,
    L_FLAGS,
    L_SEQ,
    L_ACK,
    L_LEN,
    L_SEGMENTS,
    L_REMARK,
    L_CLIENT,
    L_SERVER,
    L_TRANSITIONS,
    L_REASONS,
    L_COLUMNS
};

static const struct tcpstate_column columns[L_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    {"frame", "frame", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"time", "time", TCPSTATE_COLUMN_SECONDS, false, false, NULL},
    {"sender", "from", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"flags", "flags", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"seq", "seq", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"ack", "ack", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"len", "len", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"segments", "segments", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"remark", "", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"client_state", "client", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"server_state", "server", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"transitions", "transitions", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"reasons", "reasons", TCPSTATE_COLUMN_TEXT, false, false, NULL},
};

/* An item of the table: the step, and when the stream began. */
struct drawn {
    const struct tcpstate_step *step;
    int64_t start;
};

static void join(GString *list, const char *text)
{
    if (!*text) return;
    if (list->len) g_string_append(list, "; ");
    g_string_append(list, text);
}

static void fill_events(const struct tcpstate_step *step, const struct tcps_view *view, struct tcpstate_cell *cells)
{
    GString *transitions = g_string_new(NULL), *reasons = g_string_new(NULL);
    struct tcps_event event;
    char text[200];

    for (unsigned i = 0; tcps_event_at(step->conn, view, step->segment.from & 1, i, &event); i++) {
        if (tcps_event_is_transition(&event)) {
            tcps_event_text(step->conn, view, &event, text, sizeof text);
            join(transitions, text);
        }
        tcps_event_reason(step->conn, view, &event, &step->segment, text, sizeof text);
        join(reasons, text);
    }
    tcpstate_cell_format(&cells[L_TRANSITIONS], "%s", transitions->str);
    tcpstate_cell_format(&cells[L_REASONS], "%s", reasons->str);
    g_string_free(transitions, TRUE);
    g_string_free(reasons, TRUE);
}

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct drawn *drawn = item;
    const struct tcpstate_step *step = drawn->step;
    const struct tcps_segment *segment = &step->segment;
    struct tcps_view view;
    char flags[32];

    tcps_conn_view(step->conn, segment->at, &view);
    tcpstate_cell_number(&cells[L_STREAM], step->conn->stream);
    tcpstate_cell_number(&cells[L_INCARNATION], tcps_incarnation(step->conn));
    tcpstate_cell_frame(&cells[L_FRAME], segment->at.frame);
    tcpstate_cell_duration(&cells[L_TIME], segment->time - drawn->start);
    tcpstate_cell_number(&cells[L_SEGMENTS], step->segments);
    tcpstate_cell_text(&cells[L_CLIENT], tcps_state_name(view.state[view.client_end]));
    tcpstate_cell_text(&cells[L_SERVER], tcps_state_name(view.state[!view.client_end]));
    fill_events(step, &view, cells);
    if (step->quoted || step->segments > 1) return;
    tcpstate_flags_text(segment->flags, flags, sizeof flags);
    tcpstate_cell_text(&cells[L_SENDER], tcps_role_name(segment->from & 1, view.client_end));
    tcpstate_cell_format(&cells[L_FLAGS], "%s", flags);
    tcpstate_cell_number(&cells[L_SEQ], tcpstate_step_seq(step));
    if (segment->flags & TCPS_ACK) tcpstate_cell_number(&cells[L_ACK], tcpstate_step_ack(step));
    tcpstate_cell_number(&cells[L_LEN], segment->len);
    tcpstate_cell_text(&cells[L_REMARK], tcpstate_step_remark(step, &view));
}

void tcpstate_report_ladder(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct drawn));
    const GArray *steps = input->steps->steps;

    for (guint i = 0; i < steps->len; i++) {
        struct drawn drawn = {.step = &g_array_index(steps, struct tcpstate_step, i)};

        drawn.start = g_array_index(steps, struct tcpstate_step, 0).segment.time;
        g_array_append_val(items, drawn);
    }
    tcpstate_document_add(document, (struct tcpstate_table){.key = "steps",
                                                            .title = "Steps",
                                                            .nothing = "No packet of this stream.",
                                                            .columns = columns,
                                                            .column_count = L_COLUMNS,
                                                            .items = items,
                                                            .fill = fill});
}
