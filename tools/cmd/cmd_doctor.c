// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl doctor: what of a machine, of its mounts and of a store is wrong, or could be better. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/doctor/findings.h"
#include "tools/doctor/machine.h"
#include "tools/doctor/mount.h"
#include "tools/doctor/report.h"
#include "tools/doctor/store.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/mount_states.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* The outcome of an examination. */
struct examination {
    struct machine machine;
    struct findings findings;
    struct redaction redaction;
    struct mount_list mounts; // those that are looked at
    struct mount_states states;
};

static int examine_store(struct examination *examination, const char *path)
{
    struct store store;
    int error = store_read(path, &store);

    if (error)
        return error;
    redaction_add(&examination->redaction, path, "STORE");
    store_judge(path, &store, &examination->findings);
    return 0;
}

static void examine_mount(struct examination *examination, size_t at)
{
    const struct listed_mount *mount = &examination->mounts.all[at];
    const struct shmap_status *status = &examination->states.all[at].status;
    int error = examination->states.errors[at];

    redaction_add(&examination->redaction, mount->path, "MOUNT");
    if (error) {
        mount_judge_silent(mount->path, error, &examination->findings);
        return;
    }
    mount_judge(mount->path, status, mount_group_limit(status), &examination->machine,
                &examination->findings);
    // The daemon may see another directory at that path, or none.
    if (*status->store && mount->pid == 0)
        examine_store(examination, status->store);
    if (*status->store)
        redaction_add(&examination->redaction, status->store, "STORE");
}

static void examine_mounts(struct examination *examination, const dev_t *device)
{
    mount_list_reduce(&examination->mounts, device, device ? 1 : 0);
    mount_states_get(&examination->mounts, &examination->states);
    for (size_t i = 0; i < examination->mounts.count; i++)
        examine_mount(examination, i);
}

/* Examines what the command was given. Returns EXIT_SUCCESS, or EXIT_FAILURE after a line. */
static int examine_path(struct examination *examination, const char *path)
{
    const struct listed_mount *mount;
    dev_t device;
    int error;

    mount_list_find_around(path, &examination->mounts);
    mount = mount_list_rooted(&examination->mounts, path);
    if (mount) {
        device = mount->device;
        examine_mounts(examination, &device);
        return EXIT_SUCCESS;
    }
    mount = mount_list_at(&examination->mounts, path);
    if (mount)
        return fail(path, "in a shmapfs mount, but not its root; name the mount point %s",
                    mount->path);
    error = examine_store(examination, path);
    if (error == -ENOTDIR)
        return fail(path, "neither a mount point nor a directory; name one of these");
    return error ? fail(path, "%s", strerror(-error)) : EXIT_SUCCESS;
}

static void print_finding(const struct finding *finding)
{
    CLEANUP_FREE char *text = printable(finding->text);
    CLEANUP_FREE char *remedy = finding->remedy ? printable(finding->remedy) : NULL;

    printf("  %-6s  %-11s  %s\n", verdict_word(finding->verdict), finding->subject, text);
    if (remedy)
        printf("%23s-> %s\n", "", remedy);
}

static bool is_same_place(const struct finding *one, const struct finding *other)
{
    if (!one->place || !other->place)
        return one->place == other->place;
    return strcmp(one->place, other->place) == 0;
}

static void show_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->all[i];

        if (i == 0 || !is_same_place(finding, finding - 1)) {
            CLEANUP_FREE char *place = printable(finding->place ? finding->place : "machine");

            puts(place);
        }
        print_finding(finding);
    }
}

static struct json_object *text_object(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static int show_findings_json(const struct findings *findings)
{
    struct json_object *answer = json_object_new_object(), *array = json_object_new_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->all[i];
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "place", text_object(finding->place));
        json_object_object_add(object, "subject", text_object(finding->subject));
        json_object_object_add(object, "verdict", text_object(verdict_word(finding->verdict)));
        json_object_object_add(object, "text", text_object(finding->text));
        json_object_object_add(object, "remedy", text_object(finding->remedy));
        json_object_array_add(array, object);
    }
    json_object_object_add(answer, "verdict", text_object(verdict_word(findings_worst(findings))));
    json_object_object_add(answer, "findings", array);
    return print_json(answer);
}

static void show_report(const struct examination *examination)
{
    report_machine(&examination->machine);
    report_findings(&examination->findings, &examination->redaction);
    for (size_t i = 0; i < examination->states.count; i++) {
        if (examination->states.errors[i] == 0)
            report_status(&examination->states.all[i].status, &examination->redaction);
    }
}

static void show(const struct examination *examination, const struct invocation *invocation)
{
    if (invocation->choices[CHOICE_REPORT])
        show_report(examination);
    else if (invocation->json)
        show_findings_json(&examination->findings);
    else
        show_findings(&examination->findings);
}

static int status_of(const struct findings *findings)
{
    switch (findings_worst(findings)) {
    case VERDICT_WRONG:
        return EXIT_WRONG;
    case VERDICT_BETTER:
        return EXIT_BETTER;
    default:
        return EXIT_SUCCESS;
    }
}

int cmd_doctor(const struct invocation *invocation)
{
    struct examination examination = { 0 };
    int status = EXIT_SUCCESS;

    if (invocation->choices[CHOICE_REPORT] && invocation->json) {
        warnx("doctor: a report is text; leave out --json or --report");
        return EXIT_USAGE;
    }
    machine_read(&examination.machine);
    machine_judge(&examination.machine, &examination.findings);
    if (invocation->count > 0) {
        status = examine_path(&examination, invocation->arguments[0]);
    } else {
        mount_list_find(0, &examination.mounts);
        examine_mounts(&examination, NULL);
    }
    if (status == EXIT_SUCCESS) {
        show(&examination, invocation);
        status = status_of(&examination.findings);
    }
    if (examination.states.all)
        mount_states_free(&examination.states);
    mount_list_free(&examination.mounts);
    redaction_free(&examination.redaction);
    findings_free(&examination.findings);
    return status;
}
