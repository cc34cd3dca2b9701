/* The lines of the picture: what stands where, and what is said in words. See ladder_picture.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "ladder_picture.h"

#include <inttypes.h>
#include <string.h>

#include "core/explain.h"

/* The picture from left to right: frame, time, the client's state, its lifeline, arrows, the server's lifeline, its
 * state. */
enum {
    STATE_WIDTH = 13,             /* ESTABLISHED or SYN_RECEIVED, and its mark */
    AROUND = 2 * STATE_WIDTH + 6, /* states, lifelines and the blanks beside them */
    WIDEST = 60,                  /* the arrows, in a wide terminal */
    NARROWEST = 24,               /* the arrows, in a narrow one */
    MOST_CHANGES = 16,            /* of one end at one step; more than a handful never come */
};

struct picture {
    struct tcpstate_writer *writer;
    int frame_width, time_width;
    unsigned arrows; /* width of the part between the lifelines */
    int64_t start;
    const char *dots;
    bool has_marks; /* a state that was drawn has the mark of a correction */
};

static unsigned characters(const char *text)
{
    return (unsigned)g_utf8_strlen(text, -1);
}

static void append_repeated(GString *line, const char *what, unsigned times)
{
    while (times-- > 0) g_string_append(line, what);
}

/* One line: `frame` 0 leaves frame and time empty; `middle` fills the part between the lifelines. */
static void draw_line(const struct picture *picture, uint32_t frame, int64_t time, const char *client,
                      const char *middle, const char *server)
{
    GString *line = g_string_new(NULL);
    double seconds = (double)(time - picture->start) / 1e9;

    if (frame)
        g_string_printf(line, "%*u %*.6f", picture->frame_width, frame, picture->time_width, seconds);
    else
        append_repeated(line, " ", (unsigned)(picture->frame_width + 1 + picture->time_width));
    append_repeated(line, " ", STATE_WIDTH + 1 - MIN(characters(client), STATE_WIDTH + 1));
    g_string_append(line, client);
    g_string_append(line, " │");
    g_string_append(line, middle);
    append_repeated(line, " ", picture->arrows - MIN(characters(middle), picture->arrows));
    g_string_append(line, "│ ");
    g_string_append(line, server);
    tcpstate_write_line(picture->writer, line->str);
    g_string_free(line, TRUE);
}

static void draw_middle(const struct picture *picture, const char *text)
{
    GString *middle = g_string_new(NULL);
    unsigned length = characters(text);

    append_repeated(middle, " ", length < picture->arrows ? (picture->arrows - length) / 2 : 0);
    g_string_append(middle, text);
    draw_line(picture, 0, 0, "", middle->str, "");
    g_string_free(middle, TRUE);
}

/* A sentence between the lifelines, in as many lines as it needs. */
static void draw_sentence(const struct picture *picture, const char *sentence)
{
    char **words = g_strsplit(sentence, " ", -1);
    GString *line = g_string_new(" ");

    for (char **word = words; *word; word++) {
        if (line->len > 1 && characters(line->str) + 1 + characters(*word) > picture->arrows - 1) {
            draw_line(picture, 0, 0, "", line->str, "");
            g_string_assign(line, " ");
        }
        if (line->len > 1) g_string_append_c(line, ' ');
        g_string_append(line, *word);
    }
    draw_line(picture, 0, 0, "", line->str, "");
    g_string_free(line, TRUE);
    g_strfreev(words);
}

/* The richest label that fits. */
static void label_of(const struct picture *picture, const struct tcpstate_step *step, const struct tcps_view *view,
                     GString *label)
{
    const struct tcps_segment *segment = &step->segment;
    const char *said = tcpstate_step_remark(step, view);
    char flags[32], plain[32];

    tcpstate_flags_text(segment->flags, flags, sizeof flags);
    tcpstate_flags_text(segment->flags & ~(unsigned)TCPS_PSH, plain, sizeof plain);
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        g_string_printf(label, attempt < 2 ? "%s seq %u" : "%s %u", attempt == 0 ? flags : plain,
                        tcpstate_step_seq(step));
        if (segment->flags & TCPS_ACK)
            g_string_append_printf(label, attempt < 3 ? " ack %u" : " %u", tcpstate_step_ack(step));
        if (segment->len) g_string_append_printf(label, attempt < 3 ? " len %u" : " +%u", segment->len);
        if (*said) g_string_append_printf(label, " %s", said);
        if (characters(label->str) + 4 <= picture->arrows) return;
    }
}

static void arrow_of(const struct picture *picture, const struct tcpstate_step *step, const struct tcps_view *view,
                     GString *arrow)
{
    GString *label = g_string_new(NULL);
    bool right = (step->segment.from & 1) == view->client_end;
    unsigned used, left;

    label_of(picture, step, view, label);
    used = characters(label->str) + 3;
    left = used < picture->arrows ? (picture->arrows - used) / 2 : 0;
    used += left;
    g_string_assign(arrow, right ? "" : "◀");
    append_repeated(arrow, "─", left);
    g_string_append_printf(arrow, " %s ", label->str);
    append_repeated(arrow, "─", used < picture->arrows ? picture->arrows - used : 0);
    if (right) g_string_append(arrow, "▶");
    g_string_free(label, TRUE);
}

/* The changes of one end at a step, as texts; corrections are marked. The legend tells what the mark means. */
struct changes {
    unsigned count;
    bool has_marks;
    char text[MOST_CHANGES][STATE_WIDTH + 2];
};

static void changes_of(const struct tcpstate_step *step, const struct tcps_view *view, unsigned end,
                       struct changes *changes)
{
    struct tcps_event event;
    bool corrects;

    *changes = (struct changes){0};
    for (unsigned i = 0; tcps_event_at(step->conn, view, step->segment.from & 1, i, &event); i++) {
        if (event.end != end || !tcps_event_is_transition(&event) || changes->count == MOST_CHANGES) continue;
        corrects = tcps_reason_kind(event.why) == TCPS_CORRECTION;
        changes->has_marks |= corrects;
        g_snprintf(changes->text[changes->count++], sizeof changes->text[0], "%s%s", corrects ? "!" : "",
                   tcps_state_name(event.to));
    }
}

static void draw_states(const struct picture *picture, const struct tcps_view *view, unsigned end, const char *state)
{
    bool is_client = end == view->client_end;

    draw_line(picture, 0, 0, is_client ? state : "", "", is_client ? "" : state);
}

/* What the reader cannot see from arrow and state: corrections and refusals to change. */
static bool needs_words(unsigned why)
{
    switch (why) {
    case TCPS_WHY_NONE:
    case TCPS_WHY_PROVEN:
    case TCPS_WHY_SYN_REPEATED:
    case TCPS_WHY_SYNACK_REPEATED:
    case TCPS_WHY_FIN_REPEATED:
    case TCPS_WHY_COPY: return false;
    default: return tcps_reason_kind(why) == TCPS_CORRECTION || tcps_reason_kind(why) == TCPS_VERDICT;
    }
}

static void draw_words(const struct picture *picture, const struct tcpstate_step *step, const struct tcps_view *view)
{
    struct tcps_event event;
    char text[200];

    for (unsigned i = 0; tcps_event_at(step->conn, view, step->segment.from & 1, i, &event); i++) {
        if (!needs_words(event.why)) continue;
        tcps_event_reason(step->conn, view, &event, &step->segment, text, sizeof text);
        draw_sentence(picture, text);
    }
}

static void draw_segment(struct picture *picture, const struct tcpstate_step *step)
{
    unsigned sender = step->segment.from & 1;
    struct changes sent, received;
    const char *mine, *theirs;
    struct tcps_view view;
    GString *arrow = g_string_new(NULL);
    bool from_client;

    tcps_conn_view(step->conn, step->segment.at, &view);
    from_client = sender == view.client_end;
    changes_of(step, &view, sender, &sent);
    changes_of(step, &view, !sender, &received);
    picture->has_marks |= sent.has_marks || received.has_marks;
    for (unsigned i = 0; i + 1 < sent.count; i++) draw_states(picture, &view, sender, sent.text[i]);
    mine = sent.count ? sent.text[sent.count - 1] : "";
    theirs = received.count ? received.text[0] : "";
    if (step->quoted)
        g_string_assign(arrow, " ╳ ICMP error");
    else
        arrow_of(picture, step, &view, arrow);
    draw_line(picture, step->segment.at.frame, step->segment.time, from_client ? mine : theirs, arrow->str,
              from_client ? theirs : mine);
    for (unsigned i = 1; i < received.count; i++) draw_states(picture, &view, !sender, received.text[i]);
    draw_words(picture, step, &view);
    g_string_free(arrow, TRUE);
}

/* 1204 as "1,204". */
static void grouped(uint64_t number, char *text, size_t size)
{
    char digits[24];
    size_t length, used = 0;

    g_snprintf(digits, sizeof digits, "%" PRIu64, number);
    length = strlen(digits);
    for (size_t i = 0; i < length && used + 2 < size; i++) {
        if (i && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

static void draw_run(const struct picture *picture, const struct tcpstate_step *step)
{
    unsigned client = step->conn->client_end;
    char segments[32], octets[32], text[96];

    grouped(step->segments, segments, sizeof segments);
    g_snprintf(text, sizeof text, "%s %s segments %s", picture->dots, segments, picture->dots);
    draw_middle(picture, text);
    for (unsigned i = 0; i < 2; i++) {
        if (!step->octets[i ? !client : client]) continue;
        grouped(step->octets[i ? !client : client], octets, sizeof octets);
        g_snprintf(text, sizeof text, i ? "◀ %s octets" : "%s octets ▶", octets);
        draw_middle(picture, text);
    }
    if (step->again) {
        g_snprintf(text, sizeof text, "%u of them again", step->again);
        draw_middle(picture, text);
    }
    if (step->copies) {
        g_snprintf(text, sizeof text, "%u of them copies", step->copies);
        draw_middle(picture, text);
    }
}

static const struct tcpstate_connection *connection_with(const struct tcpstate_gathering *gathering,
                                                         const struct tcps_conn *conn)
{
    for (guint i = 0; i < gathering->connections->len; i++) {
        const struct tcpstate_connection *connection = g_ptr_array_index(gathering->connections, i);

        if (connection->conn == conn) return connection;
    }
    return NULL;
}

/* Names both ends, and the states in which the connection begins. */
static void draw_head(const struct picture *picture, const struct tcpstate_connection *connection, uint32_t stream)
{
    unsigned client = tcpstate_client_end(connection);
    const struct tcps_conn *conn = connection->conn;
    char end[80];
    GString *line = g_string_new(NULL);

    g_string_printf(line, "TCP stream %u", stream);
    if (tcps_incarnation(conn) > 1)
        g_string_append_printf(line, ", connection %u on these addresses and ports", tcps_incarnation(conn));
    tcpstate_write_line(picture->writer, line->str);
    for (unsigned i = 0; i < 2; i++) {
        unsigned which = i ? !client : client;

        tcpstate_endpoint_text(&connection->address[which], connection->port[which], end, sizeof end);
        g_string_printf(line, "%s %s", tcps_role_name(which, client), end);
        if (i == 0 && conn->role_basis > TCPS_ROLE_synack) g_string_append(line, " (roles are guessed)");
        tcpstate_write_line(picture->writer, line->str);
    }
    tcpstate_write_line(picture->writer, "");
    draw_line(picture, 0, 0, tcps_state_name(tcps_state_before(conn, 0, client)), "",
              tcps_state_name(tcps_state_before(conn, 0, !client)));
    g_string_free(line, TRUE);
}

/* As narrow as the last frame and the latest time allow: the arrows get the rest. */
static void measure(struct picture *picture, const GArray *steps)
{
    const struct tcpstate_step *first = &g_array_index(steps, struct tcpstate_step, 0);
    const struct tcpstate_step *last = &g_array_index(steps, struct tcpstate_step, steps->len - 1);
    unsigned around;
    char text[48];

    picture->frame_width = MAX(3, g_snprintf(text, sizeof text, "%u", last->segment.at.frame));
    picture->time_width =
        g_snprintf(text, sizeof text, "%.6f", (double)(last->segment.time - first->segment.time) / 1e9);
    around = AROUND + (unsigned)(picture->frame_width + picture->time_width);
    picture->arrows = CLAMP(picture->writer->width, around + NARROWEST, around + WIDEST) - around;
}

static void draw_nothing(const struct picture *picture, uint32_t stream)
{
    char text[64];

    g_snprintf(text, sizeof text, "No packet of TCP stream %u.", stream);
    tcpstate_write_line(picture->writer, text);
}

/* What is below the lifelines: what was left out, and what the mark means where one was drawn. */
static void draw_foot(const struct picture *picture, uint64_t left_out)
{
    char count[32], text[96];

    if (left_out) {
        grouped(left_out, count, sizeof count);
        g_snprintf(text, sizeof text, "%s %s more segments are not drawn.", picture->dots, count);
        tcpstate_write_line(picture->writer, text);
    }
    if (!picture->has_marks) return;
    tcpstate_write_line(picture->writer, "");
    tcpstate_write_line(picture->writer, "! marks a correction of what was presumed; the words below it say why.");
}

void tcpstate_draw_ladder(struct tcpstate_writer *writer, const struct tcpstate_report_input *input)
{
    const GArray *steps = input->steps->steps;
    struct picture picture = {.writer = writer, .dots = writer->ascii ? "..." : "…"};
    const struct tcps_conn *conn = NULL;

    if (steps->len)
        measure(&picture, steps);
    else
        draw_nothing(&picture, input->steps->stream);
    for (guint i = 0; i < steps->len; i++) {
        const struct tcpstate_step *step = &g_array_index(steps, struct tcpstate_step, i);
        const struct tcpstate_connection *connection;

        if (!step->conn) continue; /* there is always one, which clang-tidy cannot see */
        if (step->conn != conn && (connection = connection_with(input->gathering, step->conn)) != NULL) {
            if (conn) tcpstate_write_line(writer, "");
            if (!conn) picture.start = step->segment.time;
            draw_head(&picture, connection, input->steps->stream);
            conn = step->conn;
        }
        if (step->segments > 1)
            draw_run(&picture, step);
        else
            draw_segment(&picture, step);
    }
    draw_foot(&picture, input->steps->left_out);
}
