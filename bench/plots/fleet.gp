# data: fleet.dat
set title 'Requests of a fleet that starts within a minute'
set xlabel 'lifetimes (an hour each)'
set ylabel 'requests a minute, to their mean'
set yrange [0:10]
set xrange [0:8]
set grid
set key top right
plot data.'/fleet.dat' using ($1/60):2 with lines lw 2 \
    title 'outage and limit in the second lifetime', \
    data.'/fleet_late.dat' using ($1/60):2 with lines \
    title 'in the fifth', \
    1.5 with lines dt 2 lc 'gray' title 'the goal from the third on'
