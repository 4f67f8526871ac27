// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "tools/ui/output.h"

void report_machine(const struct machine *machine)
{
    printf("shmapctl      %s, built with libfuse %s\n", SHMAPFS_VERSION, SHMAPFS_LIBFUSE);
    printf("kernel        %s %s\n", machine->release, machine->architecture);
    printf("rights        %s%s\n", machine->root ? "root" : "user",
           machine->namespaced ? ", in a user namespace" : "");
    printf("fuse          error %d, enable_uring %s, max_user_bgreq %" PRId64 "\n",
           machine->fuse_error, *machine->uring ? machine->uring : "-", machine->background);
    printf("broker        error %d\n", machine->broker_error);
    printf("limits        descriptors %" PRId64 ", memlock %" PRId64 ", inotify %" PRId64
           " and %" PRId64 "\n",
           machine->descriptors, machine->locked, machine->watches, machine->instances);
    printf("memory        %" PRId64 ", swap %" PRId64 ", control group %" PRId64 "\n",
           machine->memory, machine->swap, machine->group);
    printf("huge pages    %s\n", *machine->shmem_huge ? machine->shmem_huge : "-");
    printf("idle          %s, guest_halt_poll_ns %" PRId64 "\n",
           *machine->governor ? machine->governor : "-", machine->halt_poll);
    printf("clock         %s of %s, %ssynchronised\n", machine->clock, machine->clocks,
           machine->synchronised ? "" : "not ");
}

void report_findings(const struct findings *findings, const struct redaction *redaction)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->all[i];
        CLEANUP_FREE char *place =
            redact_place(redaction, finding->place ? finding->place : "machine");
        CLEANUP_FREE char *text = redact(redaction, finding->text);
        CLEANUP_FREE char *shown = printable(text);

        printf("%-7s %s: %s: %s\n", verdict_word(finding->verdict), place, finding->subject, shown);
    }
}

/* Replaces the texts of an object, and of those in it, by ones without private names. */
static void redact_object(struct json_object *object, const struct redaction *redaction)
{
    struct json_object_iterator at = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        struct json_object *value = json_object_iter_peek_value(&at);

        if (json_object_is_type(value, json_type_object)) {
            redact_object(value, redaction);
        } else if (json_object_is_type(value, json_type_string)) {
            CLEANUP_FREE char *text = redact(redaction, json_object_get_string(value));

            json_object_set_string(value, text);
        }
    }
}

void report_status(const struct shmap_status *status, const struct redaction *redaction)
{
    struct json_object *object = status_object(status);

    redact_object(object, redaction);
    print_json(object);
}
