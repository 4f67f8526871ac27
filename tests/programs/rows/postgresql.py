# SPDX-License-Identifier: BSD-2-Clause
"""Tier 2: PostgreSQL, whose workers share memory that is files of the mount."""
from failure import Failure, expect
from row import Row, find

TOOLS = "/usr/lib/postgresql/*/bin"
PARALLEL = ("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;"
            "SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;")
JOIN = "SELECT sum(a.abalance) FROM pgbench_accounts a JOIN pgbench_accounts b USING (aid)"
BALANCES = ("SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
            "(SELECT sum(bbalance) FROM pgbench_branches),"
            "(SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM pgbench_history)")
READY = "database system is ready to accept connections"
CLIENTS, TURNS = 4, 100


class Database:
    """A cluster in a directory on the mount, and the programs that know it."""

    def __init__(self, place):
        self._place = place
        self._user = place.someone()
        self.directory = place.path("cluster")

    def run(self, tool, *words, **options):
        """Returns what one of PostgreSQL's programs says."""
        return self._user.run(find(f"{TOOLS}/{tool}"), *words, PGHOST=self._place.outside,
                              PGUSER="postgres", PGDATABASE="postgres", **options).strip()

    def query(self, *statements):
        """The answer to the last of them."""
        words = [word for statement in statements for word in ("-c", statement)]
        return self.run("psql", "-qXAt", "-v", "ON_ERROR_STOP=1", *words)

    def serve(self, kind="mmap", ready=READY):
        """Starts a server with a kind of dynamic shared memory."""
        return self._user.serve(*self._server(kind), ready=ready)

    def serve_with_shm(self):
        """Starts a server that has a mount on its /dev/shm."""
        words = self._place.as_someone(*self._server("posix"))
        return self._place.serve(*self._place.shm(*words), ready=READY)

    def _server(self, kind):
        return [find(f"{TOOLS}/postgres"), "-D", self.directory, "-c", "listen_addresses=",
                "-c", f"unix_socket_directories={self._place.outside}",
                "-c", f"dynamic_shared_memory_type={kind}", "-c", "shared_buffers=16MB",
                "-c", "max_wal_size=64MB", "-c", "work_mem=1MB"]


class Postgresql(Row):
    """A server for many clients; it is stopped as if the power had failed, and recovers."""

    slug, name, tier = "postgresql", "PostgreSQL", 2
    needs = {"postgresql": f"{TOOLS}/postgres"}
    proves = "own user, pgbench, dynamic shared memory mmap and posix, crash recovery, pg_amcheck"

    def exchange(self, place):
        database = Database(place)
        database.run("initdb", "--no-locale", "-E", "UTF8", "-A", "trust", "-U", "postgres", "-k",
                     "-D", database.directory)
        with database.serve() as server:
            server.expect_mapped(f"{database.directory}/pg_dynshmem/mmap.")
            database.run("pgbench", "-i", "-q")
            self._expect_parallel(database)
            database.run("pgbench", "-c", CLIENTS, "-j", "2", "-t", TURNS)
            balances = self._balances(database)
            database.run("pg_ctl", "stop", "-D", database.directory, "-m", "immediate")
        self._recover(database, balances)
        self._share(place, database, balances)
        self._check(database)

    def _balances(self, database):
        """The sum, which is the same in all tables."""
        sums = set(database.query(BALANCES).split("|"))
        if len(sums) != 1:
            raise Failure(f"the balances differ: {sums}")
        expect("turns", database.query("SELECT count(*) FROM pgbench_history"),
               str(CLIENTS * TURNS))
        return sums.pop()

    def _expect_parallel(self, database):
        """Workers are launched and share a table of hashes, in memory that grows."""
        plan = database.query(PARALLEL, f"EXPLAIN (ANALYZE, TIMING OFF) {JOIN}")
        for wanted in "Parallel Hash", "Workers Launched: 2":
            if wanted not in plan:
                raise Failure(f"no {wanted}: {plan}")

    def _recover(self, database, balances):
        with database.serve(ready="not properly shut down; automatic recovery") as server:
            server.hear(READY)
            expect("balances", self._balances(database), balances)
            database.run("pg_amcheck", "--install-missing", "--heapallindexed", "-j", "2")
            database.run("pg_ctl", "stop", "-D", database.directory, "-m", "fast")

    def _share(self, place, database, balances):
        """The same server with a mount on its /dev/shm."""
        with database.serve_with_shm() as server:
            mounts = database.query("SELECT pg_read_file('/proc/self/mounts')")
            kind = [line.split()[2] for line in mounts.splitlines() if " /dev/shm " in line][-1]
            expect("what is on /dev/shm", kind,
                   "tmpfs" if place.setting.is_native else "fuse.shmapfs")
            maps = database.query("SELECT pg_read_file('/proc/self/maps')")
            if "/dev/shm/PostgreSQL." not in maps:
                raise Failure("nothing of /dev/shm is mapped")
            self._expect_parallel(database)
            expect("balances", self._balances(database), balances)
            server.end()

    def _check(self, database):
        said = database.run("pg_checksums", "--check", "-D", database.directory)
        expect("bad checksums", [line for line in said.splitlines() if "Bad" in line],
               ["Bad checksums:  0"])

    def again(self, place):
        database = Database(place)
        self._check(database)
        with database.serve() as server:
            self._balances(database)
            self._expect_parallel(database)
            server.end()


ROWS = [Postgresql()]
