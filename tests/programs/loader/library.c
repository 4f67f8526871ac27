// SPDX-License-Identifier: BSD-2-Clause
/* A shared library of which there are two versions. */
int answer(void);

int answer(void)
{
    return ANSWER;
}
