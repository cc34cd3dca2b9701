/* TCPS_RARE marks a function that few segments need: it is kept out of line, so that what every segment passes stays
 * short and needs few registers. TCPS_APART does the same for one that many need, but not those that change nothing.
 * Both change what a packet costs, not what is said of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_RARE_H
#define TCPS_RARE_H

#if defined(__GNUC__)
#define TCPS_RARE __attribute__((cold, noinline))
#define TCPS_APART __attribute__((noinline))
#else
#define TCPS_RARE
#define TCPS_APART
#endif

#endif
