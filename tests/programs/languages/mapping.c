// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): mmap(2) as a C program uses it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct participant {
    int fd;
    char *mapping;
    size_t size;
};

static bool map(struct participant *self)
{
    struct stat attributes;

    if (self->mapping != NULL && munmap(self->mapping, self->size) != 0)
        return false;
    self->mapping = NULL;
    if (fstat(self->fd, &attributes) != 0)
        return false;
    self->size = (size_t)attributes.st_size;
    void *mapping = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (mapping == MAP_FAILED)
        return false;
    self->mapping = mapping;
    return true;
}

static bool answer_text(const char *text, size_t length)
{
    return printf("ok %.*s\n", (int)length, text) > 0;
}

static bool answer_ok(bool well)
{
    return well && puts("ok") >= 0;
}

static bool obey(struct participant *self, const char *order, char *first, char *second)
{
    size_t number = strtoul(first, NULL, 10), length = strtoul(second, NULL, 10);
    char text[256];

    if (strcmp(order, "make") == 0) {
        self->fd = open(first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        return answer_ok(self->fd >= 0 && ftruncate(self->fd, (off_t)length) == 0 && map(self));
    }
    if (strcmp(order, "open") == 0) {
        self->fd = open(first, O_RDWR | O_CLOEXEC);
        return answer_ok(self->fd >= 0 && map(self));
    }
    if (strcmp(order, "store") == 0) {
        memcpy(self->mapping + number, second, strlen(second));
        return answer_ok(true);
    }
    if (strcmp(order, "load") == 0)
        return answer_text(self->mapping + number, length);
    if (strcmp(order, "write") == 0) {
        ssize_t wanted = (ssize_t)strlen(second);
        return answer_ok(pwrite(self->fd, second, (size_t)wanted, (off_t)number) == wanted);
    }
    if (strcmp(order, "read") == 0)
        return length <= sizeof(text) &&
               pread(self->fd, text, length, (off_t)number) == (ssize_t)length &&
               answer_text(text, length);
    if (strcmp(order, "grow") == 0)
        return answer_ok(ftruncate(self->fd, (off_t)number) == 0 && map(self));
    if (strcmp(order, "remap") == 0)
        return map(self) && printf("ok %zu\n", self->size) > 0;
    if (strcmp(order, "sync") == 0)
        return answer_ok(msync(self->mapping, self->size, MS_SYNC) == 0);
    if (strcmp(order, "close") == 0)
        return answer_ok(munmap(self->mapping, self->size) == 0 && close(self->fd) == 0);
    errno = ENOSYS;
    return false;
}

int main(void)
{
    struct participant self = { .fd = -1 };
    char line[512];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char order[16] = "", first[256] = "", second[128] = "";
        sscanf(line, "%15s %255s %127s", order, first, second);
        if (!obey(&self, order, first, second))
            printf("%s\n", strerror(errno));
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
