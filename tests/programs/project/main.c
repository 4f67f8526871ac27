// SPDX-License-Identifier: BSD-2-Clause
/* Answers as often as it is asked, as a participant of the exchange (see exchange.py). */
int main(void)
{
    char line[64];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        printf("ok %d\n", answer());
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
