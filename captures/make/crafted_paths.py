# SPDX-License-Identifier: GPL-2.0-or-later
from common import Registry
CRAFTED = Registry()
