# The plot of docs/images/growth.svg: time and memory over the number of packets, with and without the plugin.
# Columns of the data: packets, seconds without the plugin, seconds with it, MB without, MB with.
# gnuplot -e "data='FILE'; image='FILE.svg'; per_million=SECONDS" growth.gp
# Look next: scripts/bench.py, which writes the data.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set terminal svg size 900,380 font "sans-serif,12" background "white"
set output image
set datafile commentschars "#"
set multiplot layout 1,2 margins 0.08,0.98,0.16,0.88 spacing 0.10
set logscale xy
set key right bottom
set grid
set format x "10^{%L}"
set xlabel "packets, ten per connection"
set style data linespoints

set title "User time in s"
plot data using 1:2 title "no plugin, -z conv,tcp" lc rgb "#888888" pt 6, \
     data using 1:3 title "tcpstate, -z tcpstate,exchanges" lc rgb "#0060a0" pt 7, \
     data using 1:($1 / 1e6 * per_million) with lines dt 2 lc rgb "#c04000" title "straight line through the last point"

set title "Largest resident set in MB"
plot data using 1:4 title "no plugin" lc rgb "#888888" pt 6, \
     data using 1:5 title "tcpstate" lc rgb "#0060a0" pt 7
