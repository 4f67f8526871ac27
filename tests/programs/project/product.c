// SPDX-License-Identifier: BSD-2-Clause
int product(int one, int other)
{
    int result = 0;

    while (other-- > 0)
        result = sum(result, one);
    return result;
}
