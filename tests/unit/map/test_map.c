// SPDX-License-Identifier: BSD-2-Clause
/* Cells of pages and how they are drawn, with maps that are made up; and a file of this machine. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/map/page_map.h"
#include "tools/map/picture.h"
#include "tools/map/svg.h"

#define PAGE 4096

static struct page_map made(uint64_t pages, size_t cells)
{
    struct page_map map;

    assert_int_equal(page_map_make(pages * PAGE, PAGE, cells, &map), 0);
    map.knows_resident = map.knows_dirty = map.knows_swapped = true;
    return map;
}

static void cells_are_powers_of_two(void **state)
{
    (void)state;
    struct page_map map = made(100, 100);
    assert_int_equal(map.cell_pages, 1);
    assert_int_equal(map.count, 100);
    page_map_free(&map);
    map = made(101, 100);
    assert_int_equal(map.cell_pages, 2);
    assert_int_equal(map.count, 51);
    assert_int_equal(map.cells[50].pages, 1);
    assert_int_equal(map.total.pages, 101);
    page_map_free(&map);
    map = made(UINT64_C(1) << 40, 1024);
    assert_int_equal(map.count, 1024);
    page_map_free(&map);
    map = made(0, 16);
    assert_int_equal(map.count, 0);
    page_map_free(&map);
    // The last page need not be whole.
    assert_int_equal(page_map_make(PAGE + 1, PAGE, 16, &map), 0);
    assert_int_equal(map.total.pages, 2);
    page_map_free(&map);
}

static void numbers_go_to_their_cells(void **state)
{
    (void)state;
    struct page_map map = made(100, 10);
    assert_int_equal(map.cell_pages, 16);
    page_map_add(&map, 10, 30, PAGE_CELL(resident));
    assert_int_equal(map.cells[0].resident, 6);
    assert_int_equal(map.cells[1].resident, 16);
    assert_int_equal(map.cells[2].resident, 8);
    assert_int_equal(map.total.resident, 30);
    page_map_add(&map, 99, 1, PAGE_CELL(hole));
    assert_int_equal(map.cells[6].hole, 1);
    page_map_free(&map);
}

static void looks_have_an_order(void **state)
{
    (void)state;
    struct page_cell cell = { .pages = 4, .hole = 4 };
    assert_int_equal(cell_look(&cell), LOOK_HOLE);
    cell.hole = 2;
    assert_int_equal(cell_look(&cell), LOOK_ABSENT);
    cell.resident = 1;
    assert_int_equal(cell_look(&cell), LOOK_PARTLY);
    cell.resident = 2;
    assert_int_equal(cell_look(&cell), LOOK_RESIDENT);
    cell.huge = 2;
    assert_int_equal(cell_look(&cell), LOOK_HUGE);
    cell.swapped = 1;
    assert_int_equal(cell_look(&cell), LOOK_SWAPPED);
    cell.dirty = 1;
    assert_int_equal(cell_look(&cell), LOOK_DIRTY);
}

/* Four pages: a hole, one in memory, one that is dirty, one that is not in memory. */
static struct page_map small_map(void)
{
    struct page_map map = made(4, 16);

    page_map_add(&map, 0, 1, PAGE_CELL(hole));
    page_map_add(&map, 1, 2, PAGE_CELL(resident));
    page_map_add(&map, 2, 1, PAGE_CELL(dirty));
    return map;
}

static char command[] = "a<b&\n";
static struct file_use uses[] = {
    { .kind = USE_MAPPED, .access = "rw", .shared = true, .offset = PAGE, .length = 2 * PAGE },
    { .kind = USE_OPEN, .access = "r" },
};
static struct user user = { .pid = 7, .command = command, .uses = uses, .count = 2 };
static const struct users users = { .all = &user, .count = 1 };

static void a_picture_in_letters(void **state)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct picture picture = picture_for(20, true);
    struct page_map map = small_map();

    (void)state;
    assert_int_equal(picture.width, 16);
    picture_draw(&picture, &map, out);
    assert_true(picture_draw_mappings(&picture, &map, &users, out));
    fclose(out);
    assert_string_equal(text,
                        "    0B  .#D-\n"
                        "        each is 4.0K:  . hole  - not in memory  # in memory  D dirty\n"
                        "4 pages: 1 in holes, 2 in memory, ? in huge pages, 1 dirty, 0 swapped "
                        "out\n"
                        "[    ========    ]  4096-12287  shared rw  7 a<b&\\012\n");
    free(text);
    page_map_free(&map);
}

static void a_picture_is_as_wide_as_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(picture_for(1, false).width, 16);
    assert_int_equal(picture_for(71, false).width, 32);
    assert_int_equal(picture_for(72, false).width, 64);
    assert_int_equal(picture_for(100000, false).width, 128);
}

static void a_drawing_is_xml(void **state)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct page_map map = small_map();

    (void)state;
    svg_write("x&y\xff\x01", &map, &users, out);
    fclose(out);
    assert_non_null(strstr(text, "<title>x&amp;y\\377\\001</title>"));
    assert_non_null(strstr(text, "7 a&lt;b&amp;\\012, shared rw, 4096-12287"));
    assert_string_equal(text + length - 7, "</svg>\n");
    free(text);
    page_map_free(&map);
}

static void a_file_in_memory(void **state)
{
    int fd = memfd_create("map", MFD_CLOEXEC);
    struct page_map map;

    (void)state;
    long page = sysconf(_SC_PAGESIZE);
    assert_int_equal(ftruncate(fd, 100 * page), 0);
    assert_int_equal(pwrite(fd, "x", 1, 10 * page), 1);
    assert_int_equal(pwrite(fd, "x", 1, 50 * page), 1);
    assert_int_equal(page_map_read(fd, 1000, &map), 0);
    assert_int_equal(map.count, 100);
    assert_int_equal(map.total.hole, 98);
    assert_int_equal(map.total.resident, 2);
    assert_int_equal(map.cells[50].resident, 1);
    assert_true(map.knows_dirty);
    assert_int_equal(map.total.dirty, 0);
    page_map_free(&map);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_powers_of_two),
        cmocka_unit_test(numbers_go_to_their_cells),
        cmocka_unit_test(looks_have_an_order),
        cmocka_unit_test(a_picture_in_letters),
        cmocka_unit_test(a_picture_is_as_wide_as_the_terminal),
        cmocka_unit_test(a_drawing_is_xml),
        cmocka_unit_test(a_file_in_memory),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
