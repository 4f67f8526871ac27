# SPDX-License-Identifier: BSD-2-Clause
# Tab completion of shmapctl for fish.

# Fish loads this file alone, and run has the options of shmapfs.
functions -q __shmapfs_options; or source (status dirname)/shmapfs.fish

# Mount points of shmapfs. The kernel writes spaces and the like as octal numbers.
function __shmapctl_mounts
    string replace --filter --regex '^\S+ (\S+) fuse\.shmapfs .*' '$1' </proc/self/mounts | while read -l path
        printf '%b\n' $path
    end
end

function __shmapctl_commands
    printf '%s\t%s\n' \
        list 'list the mounts of the machine' \
        status 'show what a mount is and how full it is' \
        class 'show the class of paths, or set that of directories' \
        skeleton 'show or set whether directories in an anonymous one come back' \
        resize 'change the limit of the RAM area' \
        upgrade 'replace the binary that serves' \
        sync 'bring what was written to the disk' \
        save 'commit files as one, or copy one as it is at one moment' \
        snapshot 'copy a mount, with what is committed as of one moment' \
        verify 'check the journal of a store' \
        recover 'bring what was committed before a crash into a store' \
        reattach 'go over to the store as it is mounted now' \
        who 'show the processes that use a file, or anything of a mount' \
        ls 'list the objects, with their pages in memory and their users' \
        run 'run a command with a /dev/shm of its own' \
        top 'show the requests that a mount serves' \
        summary 'show how much is below a directory' \
        warmup 'bring files into memory' \
        map 'draw where the pages of a file are' \
        metrics 'print the numbers of mounts as OpenMetrics' \
        doctor 'say what is wrong or could be better' \
        help 'show a summary, or what a command takes'
end

function __shmapctl_for # COMMANDS ARGUMENT...
    complete -c shmapctl -n "__fish_seen_subcommand_from $argv[1]" $argv[2..]
end

set -l names (__shmapctl_commands | string split --fields 1 \t)

complete -c shmapctl -f
complete -c shmapctl -n "not __fish_seen_subcommand_from $names" -a '(__shmapctl_commands)'
complete -c shmapctl -s j -l json -d 'answer in JSON'
complete -c shmapctl -s h -l help -d 'show a summary'
complete -c shmapctl -s V -l version -d 'show the version'

__shmapctl_for 'status ls top metrics doctor sync upgrade snapshot resize reattach' -a '(__shmapctl_mounts)' -d 'mount point'
__shmapctl_for 'skeleton resize summary verify recover snapshot' -a '(__fish_complete_directories)'
__shmapctl_for 'class who map warmup upgrade' -F
__shmapctl_for help -a '(__shmapctl_commands)'
__shmapctl_for skeleton -a 'on off'
__shmapctl_for resize -a '25% 50% 75% 512m 1g 4g' -d size

__shmapctl_for class -a 'persist anon atomic checkpoint scratch' -d class
__shmapctl_for class -l convert -d 'with all that is in it'
__shmapctl_for class -l to -r -F -d 'where a file of a scratch directory goes'
__shmapctl_for class -l lifetime -x -a 'last-close mount' -d 'when files go that are made there'
__shmapctl_for class -l linger -x -d 'how much later than their last use, in seconds'
__shmapctl_for class -l size -x -a '25% 50% 512m 1g 4g' -d 'limit of a RAM area for itself, or of a scratch directory'
__shmapctl_for class -l nr-inodes -x -d 'limit of its files'
__shmapctl_for class -l huge -x -a 'never always within_size advise' -d 'its huge pages'
__shmapctl_for class -l noswap -d 'never swap it out'
__shmapctl_for class -l mpol -x -a 'default local' -d 'its NUMA policy'

__shmapctl_for ls -l sort -x -a 'path size allocated resident dirty uncommitted users mtime' -d 'the order'
__shmapctl_for ls -l reverse -d 'the other way round'
__shmapctl_for ls -l class -x -a 'persist anon atomic checkpoint scratch' -d 'only what has this class'
__shmapctl_for ls -l name -x -d 'only what has a name like that'
__shmapctl_for ls -l used -d 'only what a process uses'
__shmapctl_for ls -l unused -d 'only what no process uses'

__shmapctl_for save -s a -l all -d 'all that is uncommitted'
complete -c shmapctl -n '__fish_seen_subcommand_from save; and not __fish_contains_opt -s a all' -F
complete -c shmapctl -n '__fish_seen_subcommand_from save; and __fish_contains_opt -s a all' -f -a '(__shmapctl_mounts)' -d 'mount point'
__shmapctl_for save -l to -r -F -d 'copy a file'
__shmapctl_for snapshot -l read-only -d 'nobody may write to it'
__shmapctl_for snapshot -l anon -d 'with what does not last'
__shmapctl_for map -l svg -d 'as a drawing'
__shmapctl_for map -l ascii -d 'without other signs'
__shmapctl_for summary -l count -x -d 'so many of the largest files'
__shmapctl_for top -l once -d 'show them once'
__shmapctl_for doctor -l report -d 'for a report of a fault'
__shmapctl_for metrics -l output -r -F -d 'write them to a file'
__shmapctl_for metrics -l prometheus -d 'in the text format of Prometheus'
__shmapctl_for metrics -l http -d 'answer one request on standard input'

__shmapctl_for run -s o -l options -x -a '(__shmapfs_options)' -d 'mount options'
__shmapctl_for run -l persist -r -a '(__fish_complete_directories)' -d 'keep the objects in a directory'
__shmapctl_for run -l mount -r -a '(__fish_complete_directories)' -d 'have this directory instead of /dev/shm'
__shmapctl_for run -l name -x -d 'a name by which others join'
__shmapctl_for run -l join -x -d 'share what a run has: a name or a process id'
__shmapctl_for run -l lifetime -x -a 'last-close mount' -d 'when objects go'
__shmapctl_for run -l linger -x -d 'how much later than their last use, in seconds'
__shmapctl_for run -a '(__fish_complete_subcommand --fcs-skip=2)'

functions --erase __shmapctl_for
