/* Consoles of a cluster whose standard input and output are pipes of the test. */
#ifndef TESTS_UNIT_CONSOLES_RIG_H
#define TESTS_UNIT_CONSOLES_RIG_H

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/consoles.h"

static int saved_in, saved_out;
static int type_fd, screen_fd; /* our ends of its input and its output */
static struct cluster cluster;
static struct vm_options *const vm = cluster.vms; /* the first */
static struct consoles con;

static inline void setup(void)
{
    int in[2], out[2];
    saved_in = dup(0);
    saved_out = dup(1);
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(out[1]);
    type_fd = in[1];
    screen_fd = out[0];
    cluster = (struct cluster){.vms_count = 1};
    vm->name = "a";
}

static inline void teardown(void)
{
    consoles_close(&con);
    dup2(saved_in, 0);
    dup2(saved_out, 1);
    close(saved_in);
    close(saved_out);
    close(screen_fd);
    if (type_fd >= 0)
        close(type_fd);
}

static inline void open_all(void)
{
    struct err e = {0};
    ck_assert_msg(consoles_open(&con, &cluster, &e) == 0, "%s", e.msg);
}

static inline void print_by(unsigned v, const char *text)
{
    consoles_output(&con, v, 0, (const uint8_t *)text, strlen(text));
    consoles_poll(&con);
}

static inline void print(const char *text)
{
    print_by(0, text);
}

/* What was typed for the VM, once. */
static inline void assert_typed_to(unsigned v, const char *text)
{
    size_t n = consoles_typed(&con, v).n;
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_mem_eq(n == 0 ? (const uint8_t *)"" : consoles_typed(&con, v).bytes, text, n);
    consoles_take(&con, v, n);
}

static inline void assert_typed(const char *text)
{
    assert_typed_to(0, text);
}

static inline void reply(const char *text, const char *answer)
{
    vm->replies[vm->replies_count++] = (struct reply_option){text, answer};
}

/* The VMs' terminal; our end of it, or -1 on a host without pseudo-terminals. */
static inline int terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    dup2(slave, 0);
    close(slave);
    return master;
}

#endif
