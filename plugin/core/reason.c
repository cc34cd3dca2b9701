/* Reasons, from the list of reason.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reason.h"

struct row {
    const char *name;
    enum tcps_reason_kind kind;
    const char *sentence;
};

static const struct row rows[] = {
#define X(name, kind, sentence) {#name, kind, sentence},
    TCPS_REASONS(X)
#undef X
};

_Static_assert(TCPS_REASON_COUNT <= 64, "the log stores a reason in six bits");

static const struct row *row_of(unsigned reason)
{
    return &rows[reason < TCPS_REASON_COUNT ? reason : TCPS_WHY_NONE];
}

enum tcps_reason_kind tcps_reason_kind(unsigned reason)
{
    return row_of(reason)->kind;
}

const char *tcps_reason_sentence(unsigned reason)
{
    return row_of(reason)->sentence;
}

const char *tcps_reason_name(unsigned reason)
{
    return row_of(reason)->name;
}
