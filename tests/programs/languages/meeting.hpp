// SPDX-License-Identifier: BSD-2-Clause
/* Two processes that take turns, by a mutex and a condition of whatever kind in shared memory. */
#pragma once
#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <stdexcept>

struct turns {
    long count = 0; /* whose turn it is: the first's if it is even, the second's if odd */
};

/* As many turns of one of the two, 0 or 1; returns the count after the last. */
template <typename mutex_type, typename condition_type>
long take_turns(turns &shared, mutex_type &mutex, condition_type &condition, int who, long times)
{
    using namespace boost::posix_time;
    boost::interprocess::scoped_lock<mutex_type> lock(mutex);
    for (long turn = 0; turn < times; turn++) {
        auto mine = [&] { return shared.count % 2 == who; };
        if (!condition.timed_wait(lock, microsec_clock::universal_time() + seconds(60), mine))
            throw std::runtime_error("the other one does not take its turn");
        shared.count++;
        condition.notify_one();
    }
    return shared.count;
}
