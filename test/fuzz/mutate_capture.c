/* Writes a capture with a number of changes, the same for the same seed: what the tests through tshark read.
 * Knows files and numbers only. Look next: pcap_mutator.c, test/plugin/test_hostile.py.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "pcap_mutator.h"

static int fail(const char *what, GError *error)
{
    fprintf(stderr, "mutate_capture: %s\n", error ? error->message : what);
    return 1;
}

/* usage: mutate_capture SEED CHANGES IN OUT */
int main(int argc, char **argv)
{
    enum { ROOM_PER_CHANGE = 70000 };
    struct fuzz_capture *capture;
    GError *error = NULL;
    unsigned changes;
    uint8_t *written;
    GRand *source;
    char *bytes;
    gsize size;

    if (argc != 5) return fail("usage: mutate_capture SEED CHANGES IN OUT (classic pcap, as of editcap -F pcap)", NULL);
    if (!g_file_get_contents(argv[3], &bytes, &size, &error)) return fail("", error);
    capture = fuzz_capture_read((const uint8_t *)bytes, size, UINT32_MAX);
    if (!capture || capture->frames->len == 0) return fail("not a classic pcap file with frames in it", NULL);
    source = g_rand_new_with_seed((guint32)strtoul(argv[1], NULL, 10));
    changes = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < changes; i++) fuzz_capture_mutate(capture, source);
    size += (gsize)changes * ROOM_PER_CHANGE;
    written = g_malloc(size);
    size = fuzz_capture_write(capture, written, size);
    if (!g_file_set_contents(argv[4], (const char *)written, (gssize)size, &error)) return fail("", error);
    fuzz_capture_free(capture);
    g_rand_free(source);
    g_free(written);
    g_free(bytes);
    return 0;
}
