# SPDX-License-Identifier: MIT
# data: hot.dat
# What one and two threads get done from memory, in pairs of get and release.
set title 'get and release from memory, 1,000 businesses'
set ylabel 'pairs a microsecond'
set yrange [0:*]
set style data histogram
set style histogram clustered gap 2
set style fill solid 0.8 border -1
set boxwidth 0.9
set grid y
set key top right
plot data.'/hot.dat' using 2:xtic(1) title '1 thread', \
    '' using 3 title '2 threads, different businesses', \
    '' using 4 title '2 threads, the same business'
