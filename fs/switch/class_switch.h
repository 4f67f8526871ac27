// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files whose contents are on their way to where another class keeps them. Nobody has such a file
 * open; who opens it meanwhile has the switch given up, and goes on with the class that it had.
 */
#ifndef SHMAPFS_CLASS_SWITCH_H
#define SHMAPFS_CLASS_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

struct class_switches;

/* Returns a list without any; NULL: out of memory. */
struct class_switches *class_switches_make(void);
void class_switches_free(struct class_switches *switches);

/* Begins a switch of a node. The node's stripe is held. Returns false if one is under way, or too
 * many are. */
bool class_switch_begin(struct class_switches *switches, uint64_t id);

/* Returns whether somebody waits for the file. */
bool class_switch_is_held_off(struct class_switches *switches, uint64_t id);

void class_switch_end(struct class_switches *switches, uint64_t id);

/* Returns whether a switch of a node is under way. The node's stripe is held: none begins. */
bool class_switch_is_under_way(struct class_switches *switches, uint64_t id);

/* Notes a node whose switch is to be tried again, because a mapping has the file still, or its last
 * close is not over in the kernel. More than CLASS_SWITCHES_WAITING are forgotten until somebody
 * uses the file. */
#define CLASS_SWITCHES_WAITING 64
void class_switch_wait(struct class_switches *switches, uint64_t id);

/* Takes these off the list. Returns how many there were. */
unsigned class_switches_take_waiting(struct class_switches *switches,
                                     uint64_t ids[CLASS_SWITCHES_WAITING]);

/* Has all switches given up, and none begin; or lets them again. */
void class_switches_stop(struct class_switches *switches, bool stopped);

/* Has a switch of a node given up, and waits for that. The stripe is not held. */
void class_switch_hold_off(struct class_switches *switches, uint64_t id);

#endif
