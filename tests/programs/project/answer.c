// SPDX-License-Identifier: BSD-2-Clause
int answer(void)
{
    return product(6, 7);
}
