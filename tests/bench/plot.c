// SPDX-License-Identifier: BSD-2-Clause
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

// One kind of point.
struct mark {
    const char *side;
    const char *against;
    const char *colour;
    double shift; // of the point from its work's line, lest one covers the other
};

#define MARKS 4

struct panel {
    const char *title;
    struct mark marks[MARKS];
};

static const struct panel panels[] = {
    { "against tmpfs-huge (anon) and the directory (persist)",
      { { "anon", "tmpfs-huge", "#1b6ca8", 0.27 },
        { "persist", "directory", "#c8553d", 0.09 },
        { "anon-uring", "tmpfs-huge", "#7fb7e0", -0.09 },
        { "persist-uring", "directory", "#eba88f", -0.27 } } },
    { "against passthrough\\\\_hp over the same",
      { { "anon", "hp-tmpfs", "#1b6ca8", 0.27 },
        { "persist", "hp-directory", "#c8553d", 0.09 },
        { "anon-uring", "hp-tmpfs", "#7fb7e0", -0.09 },
        { "persist-uring", "hp-directory", "#eba88f", -0.27 } } },
};

enum { PANELS = sizeof(panels) / sizeof(panels[0]), ROW_HEIGHT = 21, MARGIN = 140 };

// Works that have something to be drawn; a work's place is its number.
static bool is_drawn(const struct results *results, const struct series *series)
{
    for (size_t i = 0; i < PANELS * MARKS; i++) {
        const struct mark *mark = &panels[i / MARKS].marks[i % MARKS];

        if (!isnan(
                results_ratios(results, series, side_index(mark->side), side_index(mark->against))
                    .median))
            return true;
    }
    return false;
}

static size_t count_drawn(const struct results *results)
{
    size_t count = 0;

    for (size_t i = 0; i < results->series_count; i++)
        count += is_drawn(results, &results->series[i]);
    return count;
}

// Ratio, line, least and most of each work, for one kind of point. gnuplot takes no empty data, and
// passes over what is no number.
static void write_points(FILE *gnuplot, const struct results *results, const struct mark *mark,
                         const char *name)
{
    double line = 0;

    fprintf(gnuplot, "$%s << END\nNaN NaN NaN NaN\n", name);
    for (size_t i = 0; i < results->series_count; i++) {
        const struct series *series = &results->series[i];

        if (!is_drawn(results, series))
            continue;
        struct summary ratio =
            results_ratios(results, series, side_index(mark->side), side_index(mark->against));
        if (ratio.least > 0)
            fprintf(gnuplot, "%g %g %g %g\n", ratio.median, mark->shift - line, ratio.least,
                    ratio.most);
        line++;
    }
    fputs("END\n", gnuplot);
}

// Also the least that the axis goes from and to: gnuplot draws none when there is not a single point.
static void write_all_points(FILE *gnuplot, const struct results *results)
{
    char name[16];

    fputs("$ends << END\n0.5 0\n2 0\nEND\n", gnuplot);
    for (int panel = 0; panel < PANELS; panel++) {
        for (int mark = 0; mark < MARKS; mark++) {
            snprintf(name, sizeof(name), "data%d%d", panel, mark);
            write_points(gnuplot, results, &panels[panel].marks[mark], name);
        }
    }
}

// gnuplot takes these texts for formats.
static void write_name(FILE *gnuplot, const char *name)
{
    for (; *name != '\0'; name++)
        fputs(*name == '%' ? "%%" : (const char[]){ *name, '\0' }, gnuplot);
}

// A panel beside one with the names goes without.
static void write_lines(FILE *gnuplot, const struct results *results, bool with_names)
{
    const char *separator = "";
    int line = 0;

    fputs("set ytics (", gnuplot);
    for (size_t i = 0; i < results->series_count; i++) {
        if (!is_drawn(results, &results->series[i]))
            continue;
        fprintf(gnuplot, "%s\"", separator);
        if (with_names)
            write_name(gnuplot, results->series[i].work->name);
        fprintf(gnuplot, "\" %d", -line++);
        separator = ", ";
    }
    fputs(")\n", gnuplot);
}

static void write_panel(FILE *gnuplot, int index)
{
    const struct panel *panel = &panels[index];

    fprintf(gnuplot, "set title \"%s\"\nplot $ends using 1:2 with dots lc rgb '#ffffff' notitle",
            panel->title);
    for (int mark = 0; mark < MARKS; mark++)
        fprintf(gnuplot,
                ", $data%d%d using 1:2:3:4 with xerrorbars pt 7 ps 0.5 lw 1.3 lc rgb '%s' "
                "title '%s'",
                index, mark, panel->marks[mark].colour, panel->marks[mark].side);
    fputs("\n", gnuplot);
}

static void write_picture(FILE *gnuplot, const struct results *results, const char *path)
{
    size_t lines = count_drawn(results);
    size_t height = lines * ROW_HEIGHT + MARGIN;

    fprintf(gnuplot,
            "set terminal svg size 1200,%zu font 'sans-serif,12' background '#ffffff'\n"
            "set output '%s'\n",
            height, path);
    write_all_points(gnuplot, results);
    fprintf(gnuplot,
            "set logscale x\nset grid x y lc rgb '#dddddd'\nset tics scale 0.4\n"
            "set xlabel 'times as long (left of 1: shmapfs is faster)'\n"
            "set yrange [%g:0.7]\n"
            "set key at screen 0.5, screen %g center bottom horizontal samplen 1\n"
            "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb '#444444' lw 1.2\n"
            "set tmargin at screen %g\nset bmargin at screen %g\n"
            "set multiplot layout 1,%d\n"
            "set lmargin at screen 0.19\nset rmargin at screen 0.59\n",
            -(double)lines + 0.3, 8.0 / (double)height, 1 - 40.0 / (double)height,
            100.0 / (double)height, (int)PANELS);
    write_lines(gnuplot, results, true);
    write_panel(gnuplot, 0);
    fputs("unset key\nset lmargin at screen 0.61\nset rmargin at screen 0.98\n", gnuplot);
    write_lines(gnuplot, results, false);
    write_panel(gnuplot, 1);
    fputs("unset multiplot\n", gnuplot);
}

int plot_ratios(const struct results *results, const char *path)
{
    // A gnuplot that is not there must not be the end of us.
    signal(SIGPIPE, SIG_IGN);
    FILE *gnuplot = popen("gnuplot", "we");

    if (gnuplot == NULL) {
        fprintf(stderr, "bench: no picture: the shell cannot be started\n");
        return -errno;
    }
    write_picture(gnuplot, results, path);
    int status = pclose(gnuplot);
    if (status == 0)
        return 0;
    fprintf(stderr, "bench: no picture in %s: %s\n", path,
            WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "gnuplot is not there"
                                                            : "gnuplot has failed");
    return -EIO;
}
