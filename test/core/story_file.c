/* Reads stories. See story_file.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story_file.h"

#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct place {
    const char *file;
    unsigned number;
    const char *text;
};

G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN static void complain(const struct place *place, const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("%s:%u: %s\n    %s\n", place->file, place->number, what, place->text);
    exit(1);
}

/* ---- numbers and flags ---- */

static int64_t number_in(const struct place *place, const char *word, int64_t low, int64_t high)
{
    char *end;
    int64_t value = g_ascii_strtoll(word, &end, 10);

    if (end == word || *end || value < low || value > high) complain(place, "\"%s\" is no number here", word);
    return value;
}

static uint16_t flags_in(const struct place *place, const char *word)
{
    static const char letters[] = "FSRPAUEW"; /* in the order of the bits, RFC 9293 3.1 and RFC 3168 */
    unsigned flags = 0;

    if (strcmp(word, "-") == 0) return 0;
    for (; *word; word++) {
        const char *letter = strchr(letters, *word);

        if (!letter) complain(place, "\"%c\" is no flag (one of %s)", *word, letters);
        flags |= 1u << (letter - letters);
    }
    return (uint16_t)flags;
}

static uint8_t side_in(const struct place *place, const char *word)
{
    if (word[0] != 'C' && word[0] != 'S') complain(place, "a side is C or S");
    return word[0] == 'S';
}

/* ---- options of a segment ---- */

static void read_time(const struct place *place, const char *word, struct story_line *line)
{
    bool relative = word[0] == '+';
    char *end;
    double seconds = g_ascii_strtod(word + relative, &end);

    if (*end || end == word + relative) complain(place, "\"@%s\" is no time", word);
    line->time_is_set = true;
    line->time_is_absolute = !relative;
    line->seg.time = (int64_t)(seconds * 1e9);
}

static bool option_value(const char *word, const char *name, const char **value)
{
    size_t length = strlen(name);

    *value = word + length;
    return strncmp(word, name, length) == 0;
}

static void read_option(const struct place *place, const char *word, struct story_line *line)
{
    struct tcps_segment *seg = &line->seg;
    const char *value;

    if (option_value(word, "len=", &value)) {
        seg->len = (uint32_t)number_in(place, value, 0, UINT32_MAX);
    } else if (option_value(word, "win=", &value)) {
        seg->wnd = (uint16_t)number_in(place, value, 0, UINT16_MAX);
    } else if (option_value(word, "wscale=", &value)) {
        seg->wscale = (uint8_t)number_in(place, value, 0, 254);
    } else if (option_value(word, "ts=", &value)) {
        seg->tsval = (uint32_t)number_in(place, value, 0, UINT32_MAX);
        seg->has_ts = true;
    } else if (option_value(word, "id=", &value)) {
        seg->ip_id = (uint16_t)number_in(place, value, 0, UINT16_MAX);
        line->id_is_set = true;
    } else if (option_value(word, "layer=", &value)) {
        seg->at.layer = (uint8_t)number_in(place, value, 0, 255);
    } else if (option_value(word, "@", &value)) {
        read_time(place, value, line);
    } else if (strcmp(word, "tfo") == 0) {
        seg->fast_open = true;
    } else if (strcmp(word, "malformed") == 0) {
        seg->malformed = true;
    } else if (strcmp(word, "dup") == 0) {
        line->copy = true;
    } else {
        complain(place, "\"%s\" is no option", word);
    }
}

/* ---- lines ---- */

static void read_segment(const struct place *place, char **words, struct story_line *line)
{
    unsigned count = g_strv_length(words), next = 3;
    bool has_ack;

    if (count < 3 || strlen(words[0]) != 2) complain(place, "a segment is: side> FLAGS seq [ack] [options]");
    line->kind = STORY_SEGMENT;
    line->captured = true;
    line->seg = (struct tcps_segment){.wnd = 65535, .wscale = TCPS_NO_WSCALE};
    line->seg.from = side_in(place, words[0]);
    line->seg.flags = flags_in(place, words[1]);
    line->seg.seq = (uint32_t)number_in(place, words[2], -(INT64_C(1) << 40), INT64_C(1) << 40);
    has_ack = line->seg.flags & TCPS_ACK;
    if (has_ack) {
        if (count < 4) complain(place, "a segment with ACK has two numbers");
        line->seg.ack = (uint32_t)number_in(place, words[next++], -(INT64_C(1) << 40), INT64_C(1) << 40);
    }
    while (next < count) read_option(place, words[next++], line);
}

static void read_unreachable(const struct place *place, char **words, struct story_line *line)
{
    if (g_strv_length(words) != 3) complain(place, "an ICMP error is: ! side seq");
    line->kind = STORY_UNREACHABLE;
    line->captured = true;
    line->seg = (struct tcps_segment){.wscale = TCPS_NO_WSCALE, .from = side_in(place, words[1])};
    line->seg.seq = (uint32_t)number_in(place, words[2], -(INT64_C(1) << 40), INT64_C(1) << 40);
}

static void must(const struct place *place, bool right, const char *word, const char *what)
{
    if (!right) complain(place, "\"%s\" is no %s", word ? word : "", what);
}

static void check_states(const struct place *place, char **words)
{
    unsigned count = g_strv_length(words);

    if ((count != 4 && count != 7) || strcmp(words[0], "client") != 0 || strcmp(words[2], "server") != 0 ||
        (count == 7 && strcmp(words[4], "basis") != 0))
        complain(place, "states are: client STATE server STATE [basis BASIS BASIS]");
    must(place, rig_state_named(words[1]) >= 0, words[1], "state");
    must(place, rig_state_named(words[3]) >= 0, words[3], "state");
    for (unsigned i = 5; i < count; i++) must(place, rig_basis_named(words[i]) >= 0, words[i], "basis");
}

static void check_transitions(const struct place *place, char **words)
{
    if (!*words) complain(place, "trans needs transitions, or none");
    for (; *words && strcmp(*words, "none") != 0; words++) {
        const char *arrow = strstr(*words, "→");

        must(place, arrow && (g_str_has_prefix(*words, "client→") || g_str_has_prefix(*words, "server→")), *words,
             "transition");
        must(place, rig_state_named(arrow + strlen("→")) >= 0, *words, "transition to a state");
    }
}

static void check_reasons(const struct place *place, char **words)
{
    if (!*words) complain(place, "why needs reasons");
    for (; *words; words++) {
        const char *name = *words + (**words == '!');

        if (g_str_has_prefix(name, "client:") || g_str_has_prefix(name, "server:")) name += strlen("client:");
        must(place, rig_reason_named(name) >= 0, name, "reason of reason.h");
    }
}

static void check_path(const struct place *place, char **words)
{
    if (!*words || (strcmp(*words, "client") != 0 && strcmp(*words, "server") != 0) || !words[1])
        complain(place, "a path is: client STATE ..., or server STATE ...");
    for (words++; *words && strcmp(*words, "none") != 0; words++)
        must(place, rig_state_named(*words) >= 0, *words, "state");
}

/* A wrong word must fail at once: an expectation that is never compared would be worth nothing. */
static void check_expectation(const struct place *place, char **words)
{
    const char *what = words[0] ? words[0] : "";

    if (strcmp(what, "client") == 0) {
        check_states(place, words);
    } else if (strcmp(what, "before") == 0) {
        check_states(place, words + 1);
    } else if (strcmp(what, "trans") == 0) {
        check_transitions(place, words + 1);
    } else if (strcmp(what, "why") == 0) {
        check_reasons(place, words + 1);
    } else if (strcmp(what, "path") == 0) {
        check_path(place, words + 1);
    } else if (strcmp(what, "corrects") == 0) {
        if (!words[1]) complain(place, "corrects needs packets, or none");
        for (words++; *words && strcmp(*words, "none") != 0; words++) number_in(place, *words, 1, UINT16_MAX);
    } else if (strcmp(what, "incarnation") == 0) {
        number_in(place, words[1] ? words[1] : "", 1, UINT16_MAX);
    } else if (strcmp(what, "roles") == 0) {
        must(place, words[1] && rig_role_basis_named(words[1]) >= 0, words[1], "way to tell the roles");
        if (words[2]) side_in(place, words[2]);
    } else {
        complain(place, "\"%s\" is no expectation", what);
    }
}

static void read_ports(const struct place *place, char **words, struct story *story)
{
    if (g_strv_length(words) != 3) complain(place, "ports are: ports CLIENT SERVER");
    for (int side = 0; side < 2; side++)
        story->ports[side] = (uint16_t)number_in(place, words[1 + side], 0, UINT16_MAX);
}

static char **words_of(const char *text)
{
    char **words;
    char *bare = g_strdup(text), *comment = strchr(bare, '#');
    GPtrArray *kept = g_ptr_array_new();

    if (comment) *comment = '\0';
    words = g_strsplit_set(bare, " \t", -1);
    for (char **word = words; *word; word++)
        if (**word) g_ptr_array_add(kept, g_strdup(*word));
    g_ptr_array_add(kept, NULL);
    g_strfreev(words);
    g_free(bare);
    return (char **)g_ptr_array_free(kept, FALSE);
}

static void read_line(const struct place *place, struct story *story)
{
    char **words = words_of(place->text);
    struct story_line *line = g_new0(struct story_line, 1);

    line->number = place->number;
    line->text = g_strstrip(g_strdup(place->text));
    if (strcmp(words[0], "ports") == 0) {
        read_ports(place, words, story);
        g_free(line->text);
        g_clear_pointer(&line, g_free);
    } else if (strcmp(words[0], "=>") == 0) {
        line->kind = STORY_EXPECT;
        line->words = g_strdupv(words + 1);
        check_expectation(place, line->words);
        if (story->lines->len == 0) complain(place, "an expectation needs a packet before it");
    } else if (strcmp(words[0], "!") == 0) {
        read_unreachable(place, words, line);
    } else if (strcmp(words[0], "~") == 0) {
        read_segment(place, words + 1, line);
        line->captured = false;
    } else {
        read_segment(place, words, line);
    }
    if (line) g_ptr_array_add(story->lines, line);
    g_strfreev(words);
}

static void free_line(gpointer data)
{
    struct story_line *line = data;

    g_free(line->text);
    g_strfreev(line->words);
    g_free(line);
}

static void free_story(gpointer data)
{
    struct story *story = data;

    g_ptr_array_free(story->lines, TRUE);
    g_free(story->file);
    g_free(story->title);
    g_free(story);
}

static struct story *new_story(const char *path, unsigned number, const char *title)
{
    struct story *story = g_new0(struct story, 1);

    story->file = g_strdup(path);
    story->number = number;
    story->title = g_strstrip(g_strdup(title));
    story->ports[0] = 50000;
    story->ports[1] = 80;
    story->lines = g_ptr_array_new_with_free_func(free_line);
    return story;
}

/* The paragraph ends. One of comments alone is prose, not a story. */
static void close_paragraph(GPtrArray *stories, struct story **story)
{
    if (*story && (*story)->lines->len)
        g_ptr_array_add(stories, *story);
    else if (*story)
        free_story(*story);
    *story = NULL;
}

GPtrArray *story_file_read(const char *path)
{
    GPtrArray *stories = g_ptr_array_new_with_free_func(free_story);
    struct story *story = NULL; /* of the paragraph at hand */
    char *content, **lines;
    GError *error = NULL;

    if (!g_file_get_contents(path, &content, NULL, &error)) g_error("%s", error->message);
    lines = g_strsplit(content, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        struct place place = {.file = path, .number = i + 1, .text = g_strstrip(lines[i])};

        if (!*place.text) {
            close_paragraph(stories, &story);
        } else if (*place.text == '#') {
            if (!story) story = new_story(path, place.number, place.text + 1);
        } else {
            if (!story) complain(&place, "a story begins with a comment: its title");
            read_line(&place, story);
        }
    }
    close_paragraph(stories, &story);
    g_strfreev(lines);
    g_free(content);
    return stories;
}
