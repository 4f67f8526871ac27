# SPDX-License-Identifier: BSD-2-Clause
# Tab completion of shmapfs for fish.

# Mount options with commas between, each once.
function __shmapfs_options
    set -l words \
        'size=' 'limit of the RAM area' \
        'nr_inodes=' 'limit of its files' \
        'huge=' 'its huge pages' \
        'mode=' 'mode of the directories that options make' \
        'uid=' 'owner of these directories' \
        'gid=' 'their group' \
        'nr_blocks=' 'limit of the RAM area in pages' \
        'mpol=' 'its NUMA policy' \
        'inode32' '' \
        'inode64' '' \
        'quota' '' \
        'usrquota' '' \
        'grpquota' '' \
        'usrquota_block_hardlimit=' '' \
        'usrquota_inode_hardlimit=' '' \
        'grpquota_block_hardlimit=' '' \
        'grpquota_inode_hardlimit=' '' \
        'noswap' 'never swap it out' \
        'lifetime=' 'when files in RAM go' \
        'linger=' 'how much later than their last use' \
        'reserve' 'truncate finds room for what a file grows by, or fails' \
        'anon=' 'anonymous directories' \
        'scratch=' 'directories on the disk that are emptied' \
        'atomic=' 'directories whose files are as of their last commit after a crash' \
        'checkpoint=' 'likewise; what is not committed waits in RAM' \
        'log=' 'what the journal of atomic and checkpoint directories may take' \
        'skeleton' 'directories in anonymous ones come back at the next mount' \
        'nopassthrough' 'keep the data path out of the passthrough of the kernel' \
        'shared' 'other hosts mount the store, too' \
        'keepalive=' 'how often servers are asked about files in use' \
        'noshared' 'this host alone uses the store, which others can reach' \
        'nobroker' 'leave the broker alone' \
        'writeback' 'without passthrough, hold writes back in the page cache' \
        'timeout=' 'how long the kernel trusts names and attributes' \
        'descriptors=' 'how many files are kept at hand' \
        'user_descriptors=' 'part of the descriptors that one user can take' \
        'io_uring' 'talk to the kernel over io_uring' \
        'keeper' 'survive the end of the serving process' \
        'nokeeper' 'serve in one process' \
        'watchdog=' 'when a stuck process is replaced' \
        'umount_ends' 'end with the last unmount' \
        'noumount_ends' 'live on in other mount namespaces' \
        'takeover' 'take over what is mounted there already' \
        'ro' 'read-only' \
        'rw' 'for reading and writing' \
        'suid' '' \
        'nosuid' '' \
        'dev' '' \
        'nodev' '' \
        'exec' '' \
        'noexec' '' \
        'sync' '' \
        'async' '' \
        'dirsync' '' \
        'allow_other' 'the mount of a user serves everybody' \
        'fsname=' 'source without STORE' \
        'remount' 'change what is mounted there' \
        'symfollow' '' \
        'nosymfollow' '' \
        'context=' 'SELinux context of all files' \
        'fscontext=' 'that of the filesystem' \
        'defcontext=' 'that of files without one' \
        'rootcontext=' 'that of the root' \
        'atime' '' \
        'noatime' '' \
        'relatime' '' \
        'strictatime' '' \
        'diratime' '' \
        'nodiratime' ''
    set -l before (string match --regex '.*,' -- (commandline --current-token))
    for i in (seq 1 2 (count $words))
        printf '%s%s\t%s\n' "$before" $words[$i] $words[(math $i + 1)]
    end
end

complete -c shmapfs -f
complete -c shmapfs -a '(__fish_complete_directories)'
complete -c shmapfs -s o -x -a '(__shmapfs_options)' -d 'mount options'
complete -c shmapfs -s f -d 'stay in the foreground'
complete -c shmapfs -s h -l help -d 'show a summary'
complete -c shmapfs -s V -l version -d 'show the version'
