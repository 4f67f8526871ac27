// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/findings.h"

#include <err.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ui/array.h"

static char *format_text(const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        err(EXIT_FAILURE, NULL);
    return text;
}

void finding_add(struct findings *findings, const char *subject, const char *format, ...)
{
    struct finding *finding;
    va_list arguments;

    findings->all = array_grow(findings->all, findings->count, sizeof(*findings->all));
    finding = &findings->all[findings->count++];
    *finding = (struct finding){ .subject = subject };
    if (findings->place && !(finding->place = strdup(findings->place)))
        err(EXIT_FAILURE, NULL);
    va_start(arguments, format);
    finding->text = format_text(format, arguments);
    va_end(arguments);
}

void finding_mend(struct findings *findings, enum verdict verdict, const char *format, ...)
{
    struct finding *finding = &findings->all[findings->count - 1];
    va_list arguments;

    finding->verdict = verdict;
    free(finding->remedy);
    va_start(arguments, format);
    finding->remedy = format_text(format, arguments);
    va_end(arguments);
}

enum verdict findings_worst(const struct findings *findings)
{
    enum verdict worst = VERDICT_FINE;

    for (size_t i = 0; i < findings->count; i++) {
        if (findings->all[i].verdict > worst)
            worst = findings->all[i].verdict;
    }
    return worst;
}

const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_FINE] = "fine",
        [VERDICT_BETTER] = "better",
        [VERDICT_WRONG] = "wrong",
    };

    return words[verdict];
}

char *shell_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._+,:@%=-";
    bool bare = *word && word[strspn(word, plain)] == '\0';
    char *result = NULL;
    size_t length;
    FILE *out = open_memstream(&result, &length);

    if (!out)
        err(EXIT_FAILURE, NULL);
    if (!bare)
        fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    if (!bare)
        fputc('\'', out);
    if (fclose(out) != 0)
        err(EXIT_FAILURE, NULL);
    return result;
}

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->all[i].place);
        free(findings->all[i].text);
        free(findings->all[i].remedy);
    }
    free(findings->all);
    *findings = (struct findings){ 0 };
}
