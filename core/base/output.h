/*
 * Files that a program writes. Two programs that write one file lose it for
 * both, and so does one that writes over what another, or itself, reads.
 *
 * A lock (flock) keeps other programs of ours away: it ends with the program,
 * however that ends, and where a file system has none there is none. The
 * program's own files are compared before any of them is touched.
 */
#ifndef CORE_BASE_OUTPUT_H
#define CORE_BASE_OUTPUT_H

#include <sys/types.h>

#include "core/base/err.h"

/* Opens, for writing, creates (`flags` are added to those of open) and, if it is a regular file,
 * locks; its content is still there. Something else (a pipe, a terminal, /dev/null) is taken as it
 * is. An error is one line. */
int output_open(const char *path, int flags, int *fd, struct err *e);
/* What a regular file held is gone. */
int output_empty(int fd, const char *path, struct err *e);
/* Both at once. */
int output_create(const char *path, int flags, int *fd, struct err *e);
/* While `fd` is open no program of ours writes the file; if one does now, that may go on. */
void output_lock_out(int fd);

/* The files of one run. */
struct file_claims {
    struct file_claim {
        char *shown;      /* as the user gave it; owned */
        const char *what; /* "the trace" */
        char *whose;      /* "" or " of VM a"; owned */
        char *place;      /* of a file that is not there yet; owned */
        dev_t dev;
        ino_t ino;
        bool output;
    } *list;
    size_t count;
};

/* One more file, which is read, or written. Whose it is may be NULL: the VM of that name. An error
 * if it is one that is written, or one to be written and known already, by whatever path. What is
 * no file or disk never is. `what` must live as long. */
int file_claim(struct file_claims *c, bool output, const char *path, const char *what,
               const char *vm, struct err *e);
/* Standard input, output and error, as far as they are files: nothing else may be written there. */
void file_claim_standard(struct file_claims *c);
void file_claims_free(struct file_claims *c);

#endif
