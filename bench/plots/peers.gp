# SPDX-License-Identifier: MIT
# data: peers.dat
# What a token costs that is there already; each division is ten times.
set title 'a cached token'
set ylabel 'microseconds'
set logscale y
set format y '%g'
set yrange [0.001:100000]
set style fill solid 0.8 border -1
set boxwidth 0.6
set grid y
set xtics rotate by -20
set rmargin 12
unset key
plot data.'/peers.dat' using 0:($2 / 1000):xtic(1) with boxes, \
    '' using 0:($2 / 1000):(sprintf($2 < 100000 ? '%.3g' : '%.0f', $2 / 1000)) \
        with labels offset 0,0.7
