/*
 * Speed of the interpreter: `bench_interp` runs a loop mix in flat RAM;
 * `bench_interp <kernel> [million steps]` loads an ELF kernel as a boot loader
 * would and runs it with no board but RAM and the UART's output registers.
 * Prints guest instructions per second of host CPU time.
 */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/mips_rig.h"

#define RAM_SIZE (256u << 20)

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool uart_write(void *ctx, uint64_t pa, unsigned size, uint64_t value)
{
    (void)ctx;
    (void)size;
    if (pa == 0x180003f8 || pa == 0x1f000900)
        putchar((int)(value & 0xff));
    return true;
}

static bool uart_read(void *ctx, uint64_t pa, unsigned size, uint64_t *value)
{
    (void)ctx;
    (void)size;
    *value = pa == 0x180003fd || pa == 0x1f000928 ? 0x60 : 0;
    return true;
}

/* Load the segments; returns the entry point. */
static uint64_t load_elf(struct rig *r, const char *path)
{
    elf_version(EV_CURRENT);
    int fd = open(path, O_RDONLY);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    GElf_Ehdr header;
    size_t n = 0, size = 0;
    if (elf == NULL || !gelf_getehdr(elf, &header) || elf_getphdrnum(elf, &n) != 0) {
        fprintf(stderr, "%s: no ELF file\n", path);
        exit(1);
    }
    const char *file = elf_rawfile(elf, &size);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr p;
        gelf_getphdr(elf, (int)i, &p);
        uint64_t pa = p.p_paddr & 0x1fffffff;
        if (p.p_type == PT_LOAD && p.p_offset + p.p_filesz <= size && pa + p.p_memsz <= RAM_SIZE)
            memcpy(r->ram + pa, file + p.p_offset, p.p_filesz);
    }
    uint64_t entry = sext32(header.e_entry);
    elf_end(elf);
    close(fd);
    return entry;
}

/* A mix of arithmetic, loads, stores, calls and branches. */
static void load_mix(struct rig *r)
{
    static const uint32_t code[] = {
        0x3c088001, /* lui t0, 0x8001: data at 64 KiB */
        0x24090000, /* li t1, 0 */
        0x312a03fc, /* outer: andi t2, t1, 0x3fc */
        0x010a5821, /* addu t3, t0, t2 */
        0x8d6c0000, /* lw t4, 0(t3) */
        0x01896021, /* addu t4, t4, t1 */
        0x000c6842, /* srl t5, t4, 1 */
        0x01ac7026, /* xor t6, t5, t4 */
        0xad6e0004, /* sw t6, 4(t3) */
        0x31cf0007, /* andi t7, t6, 7 */
        0x11e00003, /* beqz t7, skip */
        0x01c97023, /* subu t6, t6, t1 (slot) */
        0x25ce0001, /* addiu t6, t6, 1 */
        0x01cf102a, /* slt v0, t6, t7 */
        0x0c000020, /* skip: jal 0x80000080 */
        0x25290004, /* addiu t1, t1, 4 (slot) */
        0x1000fff1, /* b outer */
        0x00000000,
    };
    static const uint32_t leaf[] = {
        0x91630000, /* lbu v1, 0(t3) */
        0x00431021, /* addu v0, v0, v1 */
        0x03e00008, /* jr ra */
        0xa1620001, /* sb v0, 1(t3) (slot) */
    };
    rig_code(r, 0, code, ARRAY_LEN(code));
    rig_code(r, 0x80, leaf, ARRAY_LEN(leaf));
}

int main(int argc, char **argv)
{
    struct rig *r = rig_create("24Kf", false, RAM_SIZE);
    uint64_t steps = UINT64_C(1000000) * (argc > 2 ? strtoull(argv[2], NULL, 0) : 400);
    uint64_t entry = RIG_KSEG0;
    r->cpu->env.write = uart_write;
    r->cpu->env.read = uart_read;
    if (argc > 1)
        entry = load_elf(r, argv[1]);
    else
        load_mix(r);
    rig_start(r, entry & 0x1fffffff, 0);
    double begin = seconds();
    uint64_t done = 0;
    while (done < steps) {
        enum mips_stop stop = mips_run(r->cpu, mips_cycle(r->cpu) + 100000, false);
        done = mips_steps(r->cpu);
        if (stop != MIPS_STOP_LIMIT)
            break;
    }
    double t = seconds() - begin;
    struct mips_stats s = mips_get_stats(r->cpu);
    printf("%.1f million steps in %.2f s: %.1f million/s; pc %08x, %llu blocks decoded, "
           "%llu dropped, %llu page fills, %llu device accesses\n",
           (double)done / 1e6, t, (double)done / t / 1e6, (unsigned)mips_pc(r->cpu),
           (unsigned long long)s.blocks_decoded, (unsigned long long)s.blocks_flushed,
           (unsigned long long)s.page_fills, (unsigned long long)s.device_accesses);
    rig_destroy(r);
    return 0;
}
