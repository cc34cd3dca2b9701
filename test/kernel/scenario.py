# SPDX-License-Identifier: GPL-2.0-or-later
"""The mark that makes a function a scenario."""


def scenario(families=(4,), alone=False, sysctls=None, client=None, server=None):
    """`families`: recorded once with each IP version. `sysctls`: of both ends, `client` and `server`: of one.
    `alone`: not beside other scenarios, because it needs the whole machine."""
    def mark(function):
        function.families, function.alone = families, alone
        function.options = {"sysctls": sysctls, "client": client, "server": server}
        return function
    return mark


BOTH = (4, 6)
