/* What the core's tests share: memory that is given back, and facts and views as text.
 * Knows the core's headers only; no story, no model. Look next: story.c, the first user.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_RIG_H
#define TCPS_TEST_RIG_H

#include <glib.h>

#include "core/conn.h"
#include "core/flow.h"

/* The host's memory: the core never frees, so the rig remembers every block. */
struct rig_heap {
    GHashTable *blocks;
    unsigned calls;    /* how often the core asked */
    unsigned refusals; /* of which so many were refused */
    unsigned refuse;   /* refuse every n-th call; 0: none */
};

void rig_heap_open(struct rig_heap *heap);
struct tcps_memory rig_heap_memory(struct rig_heap *heap);
void rig_heap_close(struct rig_heap *heap);

/* Do two looks at the same position show the same? */
bool rig_views_equal(const struct tcps_view *a, const struct tcps_view *b);

/* "FIN,ACK" and so on, "none" for no flag. */
void rig_flags_text(GString *out, unsigned flags);

/* Both endpoints' facts, one line each. Numbers are relative to `base` of each end. */
void rig_facts_text(GString *out, const struct tcps_conn *conn, const uint32_t base[2]);

/* What the log holds for the position of `view`: reasons by role, separated by blanks. */
void rig_reasons_text(GString *out, const struct tcps_conn *conn, const struct tcps_view *view);

/* The transitions announced there, as the plugin shows them: "client→SYN_SENT server→...". `sender` is an end. */
void rig_transitions_text(GString *out, const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender);

/* The number of a state or reason by its name; -1 if there is none. */
int rig_state_named(const char *name);
int rig_reason_named(const char *name);
int rig_basis_named(const char *name);
int rig_role_basis_named(const char *name);

/* The path of one end so far: announced states, without those that were taken back. */
struct rig_path {
    uint8_t initial; /* the state it began in, unannounced */
    GArray *states;  /* of uint8_t */
};

void rig_path_open(struct rig_path *path, unsigned initial);
void rig_path_close(struct rig_path *path);

/* Takes over what `view` announces for `end`. */
void rig_path_follow(struct rig_path *path, const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender,
                     unsigned end);
void rig_path_text(GString *out, const struct rig_path *path);

#endif
