/* Preloaded while instructions are counted: the same "random" numbers in every run.
 * Wireshark seeds its hash tables at random (wmem_init_hashing), so the length of their chains, and with it a count of
 * instructions, differs by hundreds per packet from run to run. With this it repeats to a few. Knows nothing of TCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdint.h>

uint32_t g_random_int(void);

/* In place of GLib's. The constants are those of Numerical Recipes; any would do. */
uint32_t g_random_int(void)
{
    static uint32_t state = 12345;

    state = state * 1664525u + 1013904223u;
    return state;
}
