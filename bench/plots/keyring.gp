# SPDX-License-Identifier: MIT
# data: keyring.dat
# What a token costs in gnome-keyring; bench/keyring.sh.
set title 'Storing in gnome-keyring'
set logscale xy
set xlabel 'tokens in the keyring'
set ylabel 'milliseconds per token'
set key top left
set grid
plot data.'/keyring.dat' using 1:4 with linespoints title 'one item each', \
    '' using 1:3 with linespoints title 'one more, packed', \
    '' using 1:2 with linespoints title 'in a batch, packed'
