/* Reading files that machines are made of. */
#ifndef RECORD_IMAGE_H
#define RECORD_IMAGE_H

#include <sys/stat.h>

#include "core/base/err.h"
#include "traces/trace.h"

/* A kernel, an initrd or a flash image, as it was at one moment. */
struct image_copy {
    void *data; /* memory of its own: what happens to the file later does not matter */
    uint64_t size;
    struct trace_hash hash;
};

/* Reads the whole of the file, which was found to be `st`: a regular one of 1 byte to 1 GiB. */
int image_read(struct image_copy *c, const char *path, int fd, const struct stat *st,
               struct err *e);
void image_free(struct image_copy *c); /* harmless on what is all zero */

/* Has the file another size or time of modification now? */
bool image_changed(int fd, const struct stat *st);

/* Disks are raw images. The name, as qemu-img knows it, of another format that a file begins like;
 * NULL: none that is known. */
const char *image_format(int fd);
/* A disk that is of that format: an error that says how to convert it. */
int image_refuse_format(const char *path, const char *format, struct err *e);
/* Is that a format's name? */
bool image_is_format(const char *name);

#endif
