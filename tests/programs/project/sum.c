// SPDX-License-Identifier: BSD-2-Clause
int sum(int one, int other)
{
    return one + other;
}
