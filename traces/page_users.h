/*
 * Which VMs use which machine pages, as far as the events of a trace tell: a
 * page that never was in an event is not known here.
 *
 * A machine page with n known users in v VMs saves n - 1 pages: n - v of them
 * would be saved if VMs shared only within themselves, and v - 1 are saved by
 * sharing across VMs.
 */
#ifndef TRACES_PAGE_USERS_H
#define TRACES_PAGE_USERS_H

#include "core/base/base.h"

struct page_entry {
    uint64_t page;
    uint64_t value;
    uint32_t owner; /* 0: the slot is empty */
};

struct page_table {
    struct page_entry *slots;
    size_t count, cap;
};

/* All zero is an empty one. */
struct page_users {
    uint64_t within, across;   /* machine pages saved */
    bool overflow;             /* too many pages to remember: both are 0 and stay so */
    struct page_table mapped;  /* (VM, physical page): its machine page */
    struct page_table by_vm;   /* (VM, machine page): how many of its pages use it */
    struct page_table by_page; /* machine page: how many VMs use it */
    uint64_t seed;
};

/* The VM's physical page `ppn` is at machine page `mpn` from now on (0: at none of its own). */
void page_users_map(struct page_users *u, uint32_t vm, uint64_t ppn, uint64_t mpn);
void page_users_free(struct page_users *u);

#endif
