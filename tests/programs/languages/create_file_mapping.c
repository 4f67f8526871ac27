// SPDX-License-Identifier: BSD-2-Clause
/* A participant of the exchange (see exchange.py): CreateFileMapping and MapViewOfFile, as a
 * Windows program uses them. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

struct participant {
    HANDLE file;
    char *view;
    SIZE_T size;
};

static BOOL unmap(struct participant *self)
{
    BOOL well = self->view == NULL || UnmapViewOfFile(self->view);
    self->view = NULL;
    return well;
}

/* A view of that much of the file, which becomes as large; 0: of all that there is. */
static BOOL map(struct participant *self, DWORD least)
{
    LARGE_INTEGER size;

    if (!unmap(self))
        return FALSE;
    HANDLE section = CreateFileMappingA(self->file, NULL, PAGE_READWRITE, 0, least, NULL);
    if (section == NULL)
        return FALSE;
    self->view = MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
    CloseHandle(section); /* the view keeps it */
    if (self->view == NULL || !GetFileSizeEx(self->file, &size))
        return FALSE;
    self->size = (SIZE_T)size.QuadPart;
    return TRUE;
}

static BOOL set_end(struct participant *self, LONGLONG size)
{
    LARGE_INTEGER end = { .QuadPart = size };
    return SetFilePointerEx(self->file, end, NULL, FILE_BEGIN) && SetEndOfFile(self->file);
}

/* Wine shows the whole tree as drive Z:. */
static BOOL open_file(struct participant *self, const char *path, DWORD disposition)
{
    char name[MAX_PATH];

    snprintf(name, sizeof(name), "Z:%s", path);
    self->file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                             disposition, FILE_ATTRIBUTE_NORMAL, NULL);
    return self->file != INVALID_HANDLE_VALUE;
}

/* Reads or writes the whole text at an offset of the file. */
static BOOL transfer(struct participant *self, DWORD offset, char *text, DWORD length, BOOL writes)
{
    OVERLAPPED where = { .Offset = offset };
    DWORD done = 0;
    BOOL well = writes ? WriteFile(self->file, text, length, &done, &where)
                       : ReadFile(self->file, text, length, &done, &where);
    return well && done == length;
}

static BOOL answer_text(const char *text, size_t length)
{
    return printf("ok %.*s\n", (int)length, text) > 0;
}

static BOOL answer_ok(BOOL well)
{
    return well && puts("ok") >= 0;
}

static BOOL obey(struct participant *self, const char *order, char *first, char *second)
{
    size_t number = strtoul(first, NULL, 10), length = strtoul(second, NULL, 10);
    char text[256];

    if (strcmp(order, "make") == 0)
        return answer_ok(open_file(self, first, CREATE_NEW) && map(self, (DWORD)length));
    if (strcmp(order, "open") == 0)
        return answer_ok(open_file(self, first, OPEN_EXISTING) && map(self, 0));
    if (strcmp(order, "store") == 0) {
        memcpy(self->view + number, second, strlen(second));
        return answer_ok(TRUE);
    }
    if (strcmp(order, "load") == 0)
        return answer_text(self->view + number, length);
    if (strcmp(order, "write") == 0)
        return answer_ok(transfer(self, (DWORD)number, second, (DWORD)strlen(second), TRUE));
    if (strcmp(order, "read") == 0)
        return length <= sizeof(text) &&
               transfer(self, (DWORD)number, text, (DWORD)length, FALSE) &&
               answer_text(text, length);
    if (strcmp(order, "grow") == 0)
        return answer_ok(set_end(self, (LONGLONG)number) && map(self, 0));
    if (strcmp(order, "remap") == 0)
        return map(self, 0) && printf("ok %lu\n", (unsigned long)self->size) > 0;
    if (strcmp(order, "sync") == 0)
        return answer_ok(FlushViewOfFile(self->view, 0) && FlushFileBuffers(self->file));
    if (strcmp(order, "close") == 0)
        return answer_ok(unmap(self) && CloseHandle(self->file));
    SetLastError(ERROR_INVALID_FUNCTION);
    return FALSE;
}

int main(void)
{
    struct participant self = { .file = INVALID_HANDLE_VALUE };
    char line[512];

    _setmode(_fileno(stdout), _O_BINARY); /* lines that end as others' do */
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char order[16] = "", first[256] = "", second[128] = "";
        sscanf(line, "%15s %255s %127s", order, first, second);
        if (!obey(&self, order, first, second))
            printf("error %lu\n", (unsigned long)GetLastError());
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
