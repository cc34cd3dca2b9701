/* Names of states and bases, from the lists of state.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "state.h"

const char *tcps_state_name(unsigned state)
{
    static const char *const names[] = {
#define X(name, meaning) #name,
        TCPS_STATES(X)
#undef X
    };

    return names[state < TCPS_STATE_COUNT ? state : TCPS_UNKNOWN];
}

const char *tcps_state_meaning(unsigned state)
{
    static const char *const meanings[] = {
#define X(name, meaning) meaning,
        TCPS_STATES(X)
#undef X
    };

    return meanings[state < TCPS_STATE_COUNT ? state : TCPS_UNKNOWN];
}

const char *tcps_basis_name(unsigned basis)
{
    static const char *const names[] = {
#define X(name, meaning) #name,
        TCPS_BASES(X)
#undef X
    };

    return names[basis < sizeof names / sizeof names[0] ? basis : TCPS_BASIS_none];
}
