# The situations of the profile "TCP State": in each, a filter, and for some a colour, a button, a macro.
# Every filter stands here once. Must not know how Wireshark's files are written. Look next: profile.cmake.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# ---- filters ----

set(being_opened [["SYN_SENT", "SYN_RECEIVED"]])
set(being_closed [["FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"]])
set(waiting [["SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK"]])

# 60 seconds: what the preference tcpstate.stuck_seconds is without being set; a filter cannot read it.
set(stuck "(tcpstate.client in {${waiting}} && tcpstate.client.time_in_state > 60) \
|| (tcpstate.server in {${waiting}} && tcpstate.server.time_in_state > 60)")
set(corrected "tcpstate.corrected")
set(reset [[tcpstate.rst.validity == "exact"]])
set(reset_ignored [[(tcpstate.rst.validity && !(tcpstate.rst.validity == "exact")) || tcpstate.rst.suspected_injection]])
set(unanswered [[tcpstate.open.status == "unanswered" && tcpstate.open.syn_retransmits > 0]])
set(undelivered [[tcpstate.open.status in {"unreachable", "rejected"}]])
set(refused [[tcpstate.open.status == "refused"]])
set(opening_fails "(${unanswered}) || ${undelivered}")
set(opening "tcpstate.client in {${being_opened}} || tcpstate.server in {${being_opened}} \
|| tcpstate.step contains \"handshake\"")
set(half_closed [[tcpstate.pair in {"FIN_WAIT_2:CLOSE_WAIT", "CLOSE_WAIT:FIN_WAIT_2"}]])
set(closing "tcpstate.client in {${being_closed}} || tcpstate.server in {${being_closed}}")
set(assumed [[tcpstate.client.basis == "assumed" || tcpstate.server.basis == "assumed"]])

# ---- colours: the first that matches is taken ----

# Backgrounds are those of Paul Tol's scheme "light" (Colour Schemes, SRON/EPS/TN/09-002), made for black text and told
# apart with every kind of colour blindness; what is stuck differs by its darkness too. Each rule sets text and
# background, so that it reads the same in light and dark themes. Packets of an open connection, and all others, keep the
# theme's own colours. test/plugin/test_profile.py measures contrast and distance.
# tcpstate_colour(NAME BACKGROUND TEXT FILTER)
tcpstate_colour("TCP State: stuck" 882255 ffffff "${stuck}")
tcpstate_colour("TCP State: corrected" 44bb99 000000 "${corrected}")
tcpstate_colour("TCP State: reset not accepted" ffaabb 000000 "${reset_ignored}")
tcpstate_colour("TCP State: reset" ee8866 000000 "${reset}")
tcpstate_colour("TCP State: opening fails" 77aadd 000000 "${opening_fails}")
tcpstate_colour("TCP State: opening" 99ddff 000000 "${opening}")
tcpstate_colour("TCP State: half-closed" bbcc33 000000 "${half_closed}")
tcpstate_colour("TCP State: closing" eedd88 000000 "${closing}")
tcpstate_colour("TCP State: assumed" dddddd 000000 "${assumed}")

# ---- buttons; "A//B" is B in a menu A ----

# tcpstate_button(LABEL FILTER COMMENT)
tcpstate_button("Changes" "tcpstate.transition" "Packets that change a state")
tcpstate_button("Opening" "${opening}" "Packets of handshakes")
tcpstate_button("Failed//Refused" "${refused}" "Attempts that a RST answered")
tcpstate_button("Failed//Unanswered" "${unanswered}" "SYNs sent again without an answer")
tcpstate_button("Failed//Not delivered" "${undelivered}" "Attempts that an ICMP error answered")
tcpstate_button("Failed//Slow" "tcpstate.open.time > 0.5" "Connections whose handshake took more than half a second")
tcpstate_button("Closing//All" "${closing}" "Packets while an end closes")
tcpstate_button("Closing//Half-closed" "${half_closed}" "One end has closed, the other has not")
tcpstate_button("Closing//Complete" "tcpstate.exchange contains \"close\"" "Packets that complete a close")
tcpstate_button("Resets//Accepted" "${reset}" "RSTs that end a connection")
tcpstate_button("Resets//Not accepted" "${reset_ignored}" "RSTs that the receiver ignores or challenges, or that look forged")
tcpstate_button("Stuck" "${stuck}" "An end waits for more than a minute")
tcpstate_button("Doubts//Corrected" "${corrected}" "Packets that disprove what was presumed")
tcpstate_button("Doubts//Assumed" "${assumed}" "States that no captured packet shows")

# ---- macros: ${tcp_state:CLOSE_WAIT}, ${tcp_waits:CLOSE_WAIT;60} ----

# tcpstate_macro(NAME FILTER)
tcpstate_macro(tcp_state [[(tcpstate.client == "$1" || tcpstate.server == "$1")]])
tcpstate_macro(tcp_pair [[(tcpstate.pair == "$1:$2" || tcpstate.pair == "$2:$1")]])
tcpstate_macro(tcp_enters [[tcpstate.transition contains "$1"]])
tcpstate_macro(tcp_waits "((tcpstate.client == \"$1\" && tcpstate.client.time_in_state > $2) \
|| (tcpstate.server == \"$1\" && tcpstate.server.time_in_state > $2))")
tcpstate_macro(tcp_opening "(${opening})")
tcpstate_macro(tcp_closing "(${closing})")
tcpstate_macro(tcp_stuck "(${stuck})")
