#include "core/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40

/* ---- one file ---- */

int output_open(const char *path, int flags, int *fd, struct err *e)
{
    struct stat st;
    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
    if (*fd < 0)
        ERR(e, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode) || flock(*fd, LOCK_EX | LOCK_NB) == 0 ||
        errno != EWOULDBLOCK)
        return 0;
    close(*fd);
    *fd = -1;
    ERR(e, ERR_USAGE, "%s: another disco writes or reads this file; choose another name", path);
}

int output_empty(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size != 0 && ftruncate(fd, 0) < 0)
        ERR(e, ERR_IO, "%s: cannot be emptied: %s", path, strerror(errno));
    return 0;
}

int output_create(const char *path, int flags, int *fd, struct err *e)
{
    TRY(output_open(path, flags, fd, e));
    int result = output_empty(*fd, path, e);
    if (result == 0)
        return 0;
    close(*fd);
    *fd = -1;
    return result;
}

void output_lock_out(int fd)
{
    flock(fd, LOCK_SH | LOCK_NB);
}

/* ---- all files of a run ---- */

/* Where a file that is not there yet would be made: by one name, whatever links lead to it. */
static char *future_place(const char *path)
{
    char *at = xstrdup(path), link[4096];
    ssize_t n;
    for (int i = 0; i < LINKS_MAX && (n = readlink(at, link, sizeof link - 1)) > 0; i++) {
        const char *slash = strrchr(at, '/');
        link[n] = 0;
        char *next = link[0] == '/' || slash == NULL
                         ? xstrdup(link)
                         : xasprintf("%.*s%s", (int)(slash + 1 - at), at, link);
        free(at);
        at = next;
    }
    char *slash = strrchr(at, '/');
    char *folder = slash == NULL ? xstrdup(".") : xasprintf("%.*s", (int)(slash + 1 - at), at);
    char *real = realpath(folder, NULL);
    char *place = xasprintf("%s/%s", real != NULL ? real : folder, slash == NULL ? at : slash + 1);
    free(real);
    free(folder);
    free(at);
    return place;
}

static bool is_same(const struct file_claim *a, const struct file_claim *b)
{
    if (a->place != NULL || b->place != NULL)
        return a->place != NULL && b->place != NULL && strcmp(a->place, b->place) == 0;
    return a->dev == b->dev && a->ino == b->ino;
}

static void claim_free(struct file_claim *c)
{
    free(c->shown);
    free(c->whose);
    free(c->place);
}

/* Keeps `own`, or frees it after an error. */
static int add(struct file_claims *c, struct file_claim own, struct err *e)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct file_claim *old = &c->list[i];
        if (!(own.output || old->output) || !is_same(old, &own))
            continue;
        const struct file_claim *written = own.output ? &own : old;
        const struct file_claim *other = own.output ? old : &own;
        int code = err_set(e, ERR_USAGE, "%s: is %s%s; write %s%s elsewhere", written->shown,
                           other->what, other->whose, written->what, written->whose);
        claim_free(&own);
        return code;
    }
    c->list = xrealloc(c->list, (c->count + 1) * sizeof *c->list);
    c->list[c->count++] = own;
    return 0;
}

int file_claim(struct file_claims *c, bool output, const char *path, const char *what,
               const char *vm, struct err *e)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return 0;
    struct file_claim own = {
        .shown = xstrdup(path),
        .what = what,
        .whose = vm != NULL ? xasprintf(" of VM %s", vm) : xstrdup(""),
        .place = exists ? NULL : future_place(path),
        .dev = exists ? st.st_dev : 0,
        .ino = exists ? st.st_ino : 0,
        .output = output,
    };
    return add(c, own, e);
}

void file_claim_standard(struct file_claims *c)
{
    static const char *const what[] = {"standard input", "standard output", "standard error"};
    struct stat st;
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            add(c,
                (struct file_claim){.shown = xstrdup(what[fd]),
                                    .what = what[fd],
                                    .whose = xstrdup(""),
                                    .dev = st.st_dev,
                                    .ino = st.st_ino},
                NULL);
}

void file_claims_free(struct file_claims *c)
{
    for (size_t i = 0; i < c->count; i++)
        claim_free(&c->list[i]);
    free(c->list);
    *c = (struct file_claims){0};
}
