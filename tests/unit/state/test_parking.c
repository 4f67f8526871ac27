/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/state/parking.h"
#include "fs/state/request.h"

#define LAST_PLACES 1024

static int make_parking(void **state)
{
    struct parking *parking = calloc(1, sizeof(*parking));

    *state = parking;
    return parking == NULL ? -1 : parking_create(parking);
}

static int remove_parking(void **state)
{
    parking_destroy(*state);
    free(*state);
    return 0;
}

/* A request of this length, whose bytes follow from its number. */
static struct fuse_in_header *make_request(uint64_t unique, uint32_t length)
{
    struct fuse_in_header *header = malloc(length);

    assert_non_null(header);
    memset(header, (int)unique, length);
    header->len = length;
    header->unique = unique;
    return header;
}

static int put(struct parking *parking, uint64_t unique, uint32_t length)
{
    struct fuse_in_header *header = make_request(unique, length);
    int place = parking_put(parking, header, false);

    free(header);
    return place;
}

static void assert_parked(struct parking *parking, int place, uint64_t unique, uint32_t length)
{
    struct fuse_in_header *expected = make_request(unique, length);
    struct fuse_in_header *found = malloc(length);
    struct parked_head head;

    assert_true(parking_read_head(parking, place, &head));
    assert_memory_equal(&head.header, expected, sizeof(*expected));
    assert_true(parking_read(parking, place, (char *)found + 4, length - 4, 4));
    found->len = length;
    assert_memory_equal(found, expected, length);
    free(found);
    free(expected);
}

static void keeps_requests(void **state)
{
    struct parking *parking = *state;
    int small = put(parking, 2, sizeof(struct parked_head)), large = put(parking, 4, REQUEST_BYTES);
    int shortest = put(parking, 6, sizeof(struct fuse_in_header));

    assert_parked(parking, small, 2, sizeof(struct parked_head));
    assert_parked(parking, large, 4, REQUEST_BYTES);
    assert_parked(parking, shortest, 6, sizeof(struct fuse_in_header));
    assert_int_equal(parking_next(parking, 0), small);
    assert_int_equal(parking_next(parking, small + 1), large);
    assert_int_equal(parking_next(parking, large + 1), shortest);
    assert_int_equal(parking_next(parking, shortest + 1), -1);
    parking_free(parking, large);
    assert_int_equal(parking_next(parking, small + 1), shortest);
    assert_int_equal(put(parking, 8, REQUEST_BYTES), large);
    assert_parked(parking, large, 8, REQUEST_BYTES);
}

/* Another process finds what is parked, and where there is room. */
static void outlives_its_process(void **state)
{
    struct parking *parking = *state;
    struct parking other;
    int first = put(parking, 2, 100), second = put(parking, 4, 100);

    parking_free(parking, first);
    assert_int_equal(parking_attach(&other, dup(parking->memfd)), 0);
    assert_int_equal(parking_next(&other, 0), second);
    assert_parked(&other, second, 4, 100);
    assert_int_equal(put(&other, 6, 100), first);
    assert_int_not_equal(put(&other, 8, 100), second);
    parking_destroy(&other);
}

static void overwritten_headers_are_told(void **state)
{
    struct parking *parking = *state;
    struct parked_head head;
    int place = put(parking, 2, 100);
    off_t at = lseek(parking->memfd, sizeof(struct parking_marks), SEEK_DATA);

    assert_true(parking_read_head(parking, place, &head));
    assert_int_equal(pwrite(parking->memfd, "x", 1, at + 8), 1);
    assert_false(parking_read_head(parking, place, &head));
}

/* Some must not be refused, and come when others have taken all that they may. */
static void last_places_are_kept(void **state)
{
    struct parking *parking = *state;
    struct fuse_in_header *header = make_request(2, sizeof(*header));

    for (int i = 0; i < PARKED_MAX - LAST_PLACES; i++) {
        header->uid = (uint32_t)i / PARKED_USER_MAX;
        assert_int_equal(parking_put(parking, header, false), i);
    }
    header->uid = PARKED_MAX;
    assert_int_equal(parking_put(parking, header, false), -ENOMEM);
    for (int i = 0; i < LAST_PLACES; i++)
        assert_int_equal(parking_put(parking, header, true), PARKED_MAX - LAST_PLACES + i);
    assert_int_equal(parking_put(parking, header, true), -ENOMEM);
    assert_int_equal(parking_next(parking, PARKED_MAX - 1), PARKED_MAX - 1);
    parking_free(parking, 7);
    assert_int_equal(parking_put(parking, header, false), 7);
    free(header);
}

/* One user leaves places to others, whoever has parked the requests. */
static void no_user_takes_all_places(void **state)
{
    struct parking *parking = *state;
    struct fuse_in_header *header = make_request(2, sizeof(*header));
    struct parking other;

    header->uid = 1;
    for (int i = 0; i < PARKED_USER_MAX; i++)
        assert_int_equal(parking_put(parking, header, false), i);
    assert_int_equal(parking_put(parking, header, false), -ENOMEM);
    assert_int_equal(parking_put(parking, header, true), PARKED_USER_MAX);
    header->uid = 2;
    assert_int_equal(parking_put(parking, header, false), PARKED_USER_MAX + 1);
    header->uid = 1;
    assert_int_equal(parking_attach(&other, dup(parking->memfd)), 0);
    parking_free(&other, 7);
    assert_int_equal(parking_put(&other, header, false), -ENOMEM);
    parking_free(&other, 8);
    assert_int_equal(parking_put(&other, header, false), 7);
    parking_destroy(&other);
    free(header);
}

static void other_memory_is_refused(void **state)
{
    struct parking other;
    int memfd = memfd_create("other", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(parking_attach(&other, memfd), -EPROTO);
    assert_int_equal(parking_attach(&other, -1), -EPROTO);
    close(memfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_requests, make_parking, remove_parking),
        cmocka_unit_test_setup_teardown(outlives_its_process, make_parking, remove_parking),
        cmocka_unit_test_setup_teardown(overwritten_headers_are_told, make_parking, remove_parking),
        cmocka_unit_test_setup_teardown(last_places_are_kept, make_parking, remove_parking),
        cmocka_unit_test_setup_teardown(no_user_takes_all_places, make_parking, remove_parking),
        cmocka_unit_test(other_memory_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
